//! The pages that people see. Plain HTML: they work without scripts, and say
//! the same things at the same places as Entra's own.

use super::aadsts::EntraError;
use super::answer::Trace;

/// Text made safe for HTML, in elements and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

const STYLE: &str = "body{font-family:'Segoe UI',system-ui,sans-serif;background:#f2f2f2;margin:0}\
main{background:#fff;max-width:27rem;margin:4rem auto;padding:2.5rem;box-shadow:0 2px 6px #0003}\
h1{font-size:1.5rem;font-weight:600;margin:0 0 1rem}h1+p{margin-top:0}\
input[type=text],input[type=email],input[type=password]{width:100%;box-sizing:border-box;\
padding:.4rem 0;margin:.5rem 0;border:0;border-bottom:1px solid #666;font-size:1rem}\
button{background:#0067b8;color:#fff;border:0;padding:.5rem 1.5rem;font-size:1rem}\
button.quiet{background:#ccc;color:#000}.error{color:#c00}small{color:#555}\
form{display:inline}";

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body><main>\n<small>Simulated Microsoft Entra ID</small>\n\
         {body}\n</main></body></html>\n",
        title = escape(title)
    )
}

/// A form of one button and the sealed state of the visit.
fn button(action: &str, context: &str, label: &str, more: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\"><input type=\"hidden\" name=\"ctx\" value=\"{}\">\
         {more}<button>{}</button></form>",
        escape(action),
        escape(context),
        escape(label)
    )
}

fn complaint(refusal: Option<&EntraError>) -> String {
    refusal.map_or_else(String::new, |refusal| {
        format!(
            "<p class=\"error\" role=\"alert\" data-code=\"{}\">{}</p>",
            refusal.code,
            escape(&refusal.text)
        )
    })
}

/// User name and password.
pub(super) fn sign_in(
    tenant: &str,
    context: &str,
    app: &str,
    name: &str,
    refusal: Option<&EntraError>,
) -> String {
    let body = format!(
        "<h1>Sign in</h1><p>to continue to {app}</p>{complaint}\
         <form method=\"post\" action=\"/{tenant}/login\">\
         <input type=\"hidden\" name=\"ctx\" value=\"{context}\">\
         <label>Account<input type=\"email\" name=\"login\" id=\"i0116\" autocomplete=\"username\" \
         value=\"{name}\" required></label>\
         <label>Password<input type=\"password\" name=\"passwd\" id=\"i0118\" \
         autocomplete=\"current-password\" required></label>\
         <p><button id=\"idSIButton9\">Sign in</button></p></form>",
        app = escape(app),
        complaint = complaint(refusal),
        tenant = escape(tenant),
        context = escape(context),
        name = escape(name),
    );
    page("Sign in to your account", &body)
}

/// The second factor: here a button instead of a telephone.
pub(super) fn second_factor(tenant: &str, context: &str, upn: &str) -> String {
    let action = format!("/{tenant}/factor");
    let body = format!(
        "<h1>Approve sign in request</h1><p>{}</p>\
         <p>Open your Authenticator app, and approve the request.</p>{}",
        escape(upn),
        button(&action, context, "I approved it", "")
    );
    page("Approve sign in request", &body)
}

/// The permissions of one application, to be accepted or not.
pub(super) struct ConsentPage<'a> {
    pub(super) tenant: &'a str,
    pub(super) context: &'a str,
    pub(super) app: &'a str,
    pub(super) upn: &'a str,
    pub(super) permissions: Vec<String>,
    /// May consent for everyone.
    pub(super) administrator: bool,
    /// Only for everyone: the administrator's consent endpoint.
    pub(super) everyone: bool,
}

impl ConsentPage<'_> {
    pub(super) fn html(&self) -> String {
        let permissions: String = self
            .permissions
            .iter()
            .map(|name| format!("<li>{}</li>", escape(name)))
            .collect();
        let choice = if self.administrator && !self.everyone {
            "<p><label><input type=\"checkbox\" name=\"everyone\" value=\"1\"> Consent on behalf of \
             your organization</label></p>"
        } else {
            ""
        };
        let title = if self.everyone {
            "Permissions requested. Review for your organization"
        } else {
            "Permissions requested"
        };
        let action = format!("/{}/consent", self.tenant);
        let accept = format!("{choice}<input type=\"hidden\" name=\"answer\" value=\"accept\">");
        let cancel = "<input type=\"hidden\" name=\"answer\" value=\"cancel\">";
        let body = format!(
            "<h1>{title}</h1><p>{}</p><p><strong>{}</strong></p><p>This application would like \
             to:</p><ul>{permissions}</ul><div id=\"accept\">{}</div> <div id=\"cancel\">{}</div>",
            escape(self.upn),
            escape(self.app),
            button(&action, self.context, "Accept", &accept),
            button(&action, self.context, "Cancel", cancel),
        );
        page(title, &body)
    }
}

/// Only an administrator may consent.
pub(super) fn need_approval(
    tenant: &str,
    context: &str,
    app: &str,
    upn: &str,
    request: bool,
    trace: &Trace,
) -> String {
    let consent = format!("/{tenant}/consent");
    let cancel = "<input type=\"hidden\" name=\"answer\" value=\"return\">";
    let ask = if request {
        let more = "<label>Enter justification for requesting this app<input type=\"text\" \
                    name=\"reason\"></label>";
        let action = format!("/{tenant}/approval");
        format!(
            "<p>This app requires your admin's approval.</p>{}",
            button(&action, context, "Request approval", more)
        )
    } else {
        format!(
            "<p>{} needs permission to access resources in your organization that only an admin \
             can grant. Please ask an admin to grant permission to this app before you can use \
             it.</p>",
            escape(app)
        )
    };
    let again = format!("/{tenant}/again");
    let body = format!(
        "<h1>{}</h1><p>{}</p><p><strong>{}</strong></p>{ask}\
         <p>Have an admin account? {}</p><p id=\"return\">{}</p>{}",
        if request {
            "Approval required"
        } else {
            "Need admin approval"
        },
        escape(upn),
        escape(app),
        button(&again, context, "Sign in with that account", ""),
        button(
            &consent,
            context,
            "Return to the application without granting consent",
            cancel
        ),
        details(if request { 90_095 } else { 90_094 }, trace),
    );
    page("Need admin approval", &body)
}

fn details(code: u32, trace: &Trace) -> String {
    format!(
        "<p><small>Error Code: <span id=\"code\">{code}</span><br>Request Id: {}<br>Correlation \
         Id: {}<br>Timestamp: {}</small></p>",
        trace.id, trace.correlation, trace.now
    )
}

/// A refusal that goes nowhere else.
pub(super) fn refusal(refusal: &EntraError, trace: &Trace) -> String {
    let (title, lead) = match refusal.code {
        53_003 => (
            "You cannot access this right now",
            "Your sign-in was successful but does not meet the criteria to access this resource. \
             For example, you might be signing in from a browser, app, location, or an \
             authentication flow that is restricted by your admin.",
        ),
        _ => ("Sorry, but we’re having trouble signing you in.", ""),
    };
    let body = format!(
        "<h1>{title}</h1><p>{lead}</p><p class=\"error\" role=\"alert\">{}</p>{}",
        escape(&refusal.description()),
        details(refusal.code, trace)
    );
    page("Sign in to your account", &body)
}

/// Something that is over.
pub(super) fn message(title: &str, text: &str) -> String {
    page(
        title,
        &format!("<h1>{}</h1><p>{}</p>", escape(title), escape(text)),
    )
}

/// Where a person types the code that a device shows.
pub(super) fn enter_code(code: &str, wrong: bool) -> String {
    let error = if wrong {
        "<p class=\"error\" role=\"alert\">That code didn't work. Check the code and try again.</p>"
    } else {
        ""
    };
    let body = format!(
        "<h1>Enter code to allow access</h1><p>Once you enter the code displayed on your app or \
         device, it will have access to your account.</p><p>Do not enter codes from sources you \
         don't trust.</p>{error}<form method=\"post\" action=\"/common/oauth2/deviceauth\">\
         <label>Code<input type=\"text\" name=\"otc\" id=\"otc\" autocomplete=\"off\" value=\"{}\" \
         required></label><p><button>Next</button></p></form>",
        escape(code)
    );
    page("Sign in to your account", &body)
}

/// `response_mode=form_post`: the answer goes back as a form (OAuth 2.0 Form
/// Post Response Mode), by itself where scripts run.
pub(super) fn form_post(to: &str, fields: &[(String, String)]) -> String {
    let fields: String = fields
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escape(name),
                escape(value)
            )
        })
        .collect();
    let body = format!(
        "<form method=\"post\" name=\"hiddenform\" action=\"{}\">{fields}\
         <noscript><p>Script is disabled. Click Submit to continue.</p></noscript>\
         <button>Submit</button></form><script>document.forms[0].submit()</script>",
        escape(to)
    );
    page("Working...", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        let html = sign_in("t", "c", "<b>app", "\"><script>", None);
        assert!(!html.contains("<script>") && !html.contains("<b>app"));
        assert_eq!(escape("a&b'c"), "a&amp;b&#39;c");
    }
}
