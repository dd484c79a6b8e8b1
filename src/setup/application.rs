//! The registration: who the application is, what it proves that with, and
//! what it may do by itself.

use url::Url;

use super::commands::shell;
use super::plan::Plan;
use super::text::Script;
use crate::entra::redirect_uris;
use crate::kinds::SiteRole;
use crate::model::powershell::{filter, list, quoted};
use crate::model::{AppCredential, Cloud};

/// The application and its service principal: `$app`, `$sp`.
pub(super) fn registration(script: &mut Script, plan: &Plan<'_>, external: Option<&Url>) {
    let account = plan.account;
    let client_id = account.client_id.as_deref().unwrap_or_default();
    let name = plan.name();
    script.section("The registration");
    script.say(
        "By its id alone. A name proves nothing: whoever registers that name first would be given \
         the rights.",
    );
    script.add(&format!(
        "$byId = {}\n$byName = {}\n$name = {}",
        filter("appId", "eq", client_id),
        filter("displayName", "eq", &name),
        quoted(&name)
    ));
    script.add(FIND_APPLICATION);
    let uris = redirect_uris(account, external);
    if !uris.is_empty() {
        let uris = list(uris.iter().map(String::as_str));
        let platform = if plan.is_public_client() {
            script.say(
                "A public client. `m365mon login --device-code` would need \"Allow public client \
                 flows\" as well, which is left off: with it, anybody who knows the client id can \
                 start a sign-in and talk somebody into finishing it.",
            );
            "PublicClient"
        } else {
            script.say("A confidential client: its refresh token outlives a change of password.");
            "Web"
        };
        script.add(&format!(
            "$uris = @($app.{platform}.RedirectUris) + {uris} | Where-Object {{ $_ }} | Select-Object -Unique\n\
             Update-MgApplication -ApplicationId $app.Id -{platform} @{{ RedirectUris = @($uris) }}"
        ));
    }
    script.add(
        "$sp = Get-MgServicePrincipal -Filter \"appId eq '$($app.AppId)'\"\n\
         if (-not $sp) { $sp = New-MgServicePrincipal -AppId $app.AppId }\n\
         # Nobody may sign in to it who was not assigned to it.\n\
         Update-MgServicePrincipal -ServicePrincipalId $sp.Id -AppRoleAssignmentRequired:$true",
    );
}

/// `$app`: the registration that has the client id of the configuration, or a new
/// one; never one that only has the right name.
const FIND_APPLICATION: &str = r#"function Get-Owner($application) {
    $names = @(Get-MgApplicationOwner -ApplicationId $application.Id -All | ForEach-Object {
        $known = $_.AdditionalProperties
        @($known['userPrincipalName'], $known['displayName'], $_.Id) | Where-Object { $_ } | Select-Object -First 1
    })
    if ($names) { $names -join ', ' } else { 'nobody' }
}
$app = Get-MgApplication -Filter $byId
if (-not $app) {
    $namesakes = @(Get-MgApplication -Filter $byName -All)
    foreach ($one in $namesakes) {
        Write-Warning "client id $($one.AppId), made $($one.CreatedDateTime), owned by: $(Get-Owner $one)"
    }
    if ($namesakes) {
        throw 'An application of this name is there already, and the configuration does not name it. If it is yours, write its client id into the configuration and print this script again; if not, find out whose it is.'
    }
    $app = New-MgApplication -DisplayName $name -SignInAudience AzureADMyOrg
    Write-Warning "write client_id: $($app.AppId) into the configuration of the exporter"
} else {
    # Whoever owns it or holds one of its credentials can use every right that follows.
    Write-Host "owned by: $(Get-Owner $app)"
    @($app.PasswordCredentials) + @($app.KeyCredentials) | Where-Object { $_ } | ForEach-Object {
        Write-Host "credential: $($_.DisplayName), $($_.KeyId), until $($_.EndDateTime)"
    }
}"#;

/// The service principal of an identity that a platform gave a machine.
pub(super) fn identity(script: &mut Script, plan: &Plan<'_>) {
    script.section("The managed identity");
    match plan.account.client_id.as_deref() {
        Some(client_id) => script.add(&format!(
            "$sp = Get-MgServicePrincipal -Filter {}",
            filter("appId", "eq", client_id)
        )),
        None => script.add(
            "$identity = ''  # its object (principal) id, as the portal shows it under Identity\n\
             if (-not $identity) { throw 'write the object id of the identity into $identity' }\n\
             $sp = Get-MgServicePrincipal -ServicePrincipalId $identity",
        ),
    }
    script.add(
        "if (-not $sp -or $sp.ServicePrincipalType -ne 'ManagedIdentity') { throw 'this is no managed identity' }",
    );
}

/// What the application proves with who it is.
pub(super) fn credential(script: &mut Script, plan: &Plan<'_>) {
    match plan.account.app_credential() {
        None => {}
        Some(AppCredential::ClientCertificate {
            certificate_file, ..
        }) => {
            script.section("The certificate (its public part; the key stays with the exporter)");
            let file = format!("{}.crt", file_name(plan));
            script.say(&format!(
                "Bring the certificate alone to this machine: openssl x509 -in {} -out {file}",
                shell(&certificate_file.to_string_lossy())
            ));
            script.add(&format!("$file = {}", quoted(&file)));
            script.add(UPLOAD);
        }
        Some(AppCredential::ClientSecret { .. }) => {
            script.section("The client secret");
            script.say(
                "A certificate is better: it never leaves the exporter's machine, and SharePoint's \
                 own REST takes nothing else.",
            );
            script.add(&format!(
                "$file = {}",
                quoted(&format!("{}-secret.txt", file_name(plan)))
            ));
            script.add(SECRET);
        }
        Some(AppCredential::WorkloadIdentity { .. }) => {
            script.section("The federated credential");
            script.add(&FEDERATION.replace(
                "$audience",
                &quoted(federated_audience(&plan.account.cloud)),
            ));
        }
    }
}

/// A name for a file of this account, fit for any system.
fn file_name(plan: &Plan<'_>) -> String {
    let name: String = plan
        .account
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("m365mon-{name}")
}

const UPLOAD: &str = r#"$pem = Get-Content -Raw -LiteralPath $file
if ($pem -notmatch '-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----') {
    throw "$file holds no certificate"
}
$certificate = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new(
    [byte[]][System.Convert]::FromBase64String(($Matches[1] -replace '\s', '')))
# Those that are there already must be sent along, or they would be gone.
$keys = @((Get-MgApplication -ApplicationId $app.Id -Property keyCredentials).KeyCredentials | Where-Object { $_ })
$known = $keys | Where-Object {
    $_.Key -and [System.Convert]::ToBase64String($_.Key) -eq [System.Convert]::ToBase64String($certificate.RawData)
}
if (-not $known) {
    $keys += @{
        Type = 'AsymmetricX509Cert'; Usage = 'Verify'; Key = $certificate.RawData
        DisplayName = 'm365mon'
    }
    Update-MgApplication -ApplicationId $app.Id -KeyCredentials $keys
}"#;

/// The file is its owner's alone before anything is in it, and never one that is
/// there already.
const SECRET: &str = r#"$known = Get-MgApplication -ApplicationId $app.Id -Property passwordCredentials
$live = @($known.PasswordCredentials | Where-Object EndDateTime -gt (Get-Date).AddDays(30))
if ($live) {
    Write-Host "There is a secret until $($live[0].EndDateTime.ToString('yyyy-MM-dd')) already; no other was made."
} else {
    $path = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($file)
    if ($IsWindows) {
        $only = [System.Security.AccessControl.FileSecurity]::new()
        $only.SetAccessRuleProtection($true, $false)
        $only.AddAccessRule([System.Security.AccessControl.FileSystemAccessRule]::new(
            [System.Security.Principal.WindowsIdentity]::GetCurrent().User, 'FullControl', 'Allow'))
        $stream = [System.IO.FileSystemAclExtensions]::Create(
            [System.IO.FileInfo]::new($path), 'CreateNew', 'FullControl', 'None', 4096, 'None', $only)
    } else {
        $options = [System.IO.FileStreamOptions]::new()
        $options.Mode = 'CreateNew'
        $options.Access = 'Write'
        $options.UnixCreateMode = [System.IO.UnixFileMode]'UserRead, UserWrite'  # 0600
        $stream = [System.IO.FileStream]::new($path, $options)
    }
    $secret = $null
    try {
        $secret = Add-MgApplicationPassword -ApplicationId $app.Id -PasswordCredential @{
            DisplayName = 'm365mon'; EndDateTime = (Get-Date).AddMonths(6)
        }
        $bytes = [System.Text.Encoding]::UTF8.GetBytes($secret.SecretText)
        $stream.Write($bytes, 0, $bytes.Length)
    } finally {
        $stream.Dispose()
        if (-not $secret) { Remove-Item -LiteralPath $path }
    }
    Write-Host "The secret is in $path, which only you can read. Bring it to the exporter, delete it here, and set"
    Write-Host "    expires: $($secret.EndDateTime.ToString('yyyy-MM-dd'))"
    $secret = $null
}"#;

/// What the cluster's tokens are issued for.
const fn federated_audience(cloud: &Cloud) -> &'static str {
    match cloud {
        Cloud::GccHigh | Cloud::Dod => "api://AzureADTokenExchangeUSGov",
        Cloud::China => "api://AzureADTokenExchangeChina",
        Cloud::Global | Cloud::Custom { .. } => "api://AzureADTokenExchange",
    }
}

const FEDERATION: &str = r#"# As `m365mon doctor` shows them, or the cluster's issuer and the service account.
$issuer = ''   # https://…
$subject = ''  # system:serviceaccount:NAMESPACE:NAME
if (-not $issuer -or -not $subject) { throw 'write the issuer and the subject into the script' }
$known = Get-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id |
    Where-Object { $_.Issuer -eq $issuer -and $_.Subject -eq $subject }
if (-not $known) {
    New-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id -BodyParameter @{
        Name = "m365mon-$([guid]::NewGuid())"; Issuer = $issuer; Subject = $subject; Audiences = @($audience)
    }
}"#;

/// App roles: an administrator's consent, role by role.
pub(super) fn roles(script: &mut Script, plan: &Plan<'_>) {
    if plan.permissions.is_empty() {
        return;
    }
    script.section("Application permissions");
    script.add(GRANT_ROLE);
    for (variable, (_, names)) in &plan.permissions {
        for name in names {
            script.add(&format!("Grant-Role {variable} {}", quoted(name)));
        }
    }
}

const GRANT_ROLE: &str = r#"function Grant-Role($api, [string]$name) {
    $role = $api.AppRoles | Where-Object {
        $_.Value -eq $name -and $_.AllowedMemberTypes -contains 'Application'
    }
    if (-not $role) { throw "$($api.DisplayName) has no application permission $name" }
    $held = Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $sp.Id -All |
        Where-Object { $_.ResourceId -eq $api.Id -and $_.AppRoleId -eq $role.Id }
    if (-not $held) {
        New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $sp.Id -BodyParameter @{
            PrincipalId = $sp.Id; ResourceId = $api.Id; AppRoleId = $role.Id
        } | Out-Null
    }
}"#;

/// `Sites.Selected` opens nothing by itself: each site grants its own.
pub(super) fn sites(script: &mut Script, plan: &Plan<'_>) {
    for role in [SiteRole::Read, SiteRole::Write] {
        let sites = plan.site_roles(role);
        if sites.is_empty() {
            continue;
        }
        let enough = match role {
            SiteRole::Read => "read|write|owner|fullcontrol",
            SiteRole::Write => "write|owner|fullcontrol",
        };
        let role = role.as_str();
        script.section(&format!(
            "The role {role} on each site (Sites.Selected opens no site by itself)"
        ));
        script.add(
            "$me = @{ Application = @{ Id = $sp.AppId; DisplayName = $sp.DisplayName } }\n\
             foreach ($address in @(",
        );
        for address in sites {
            script.add(&format!("    {}", quoted(&address)));
        }
        script.add(
            &GRANT_SITES
                .replace("'read'", &quoted(role))
                .replace("$enough", enough),
        );
    }
}

const GRANT_SITES: &str = r")) {
    $site = Get-MgSite -SiteId $address
    $held = @(Get-MgSitePermission -SiteId $site.Id -All | Where-Object {
        @($_.GrantedToIdentitiesV2.Application.Id) -contains $sp.AppId
    } | ForEach-Object { Get-MgSitePermission -SiteId $site.Id -PermissionId $_.Id })
    if (-not $held) {
        New-MgSitePermission -SiteId $site.Id -BodyParameter @{
            Roles = @('read'); GrantedToIdentities = @($me)
        } | Out-Null
    } elseif (-not (@($held.Roles) -match '^($enough)$')) {
        Update-MgSitePermission -SiteId $site.Id -PermissionId $held[0].Id -BodyParameter @{
            Roles = @('read')
        } | Out-Null
    }
}";
