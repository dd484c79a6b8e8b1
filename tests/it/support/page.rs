//! A page as a person reads it: its text without markup.

/// The words of a page, blanks and line ends as one blank. What only a browser
/// or a program reads (`<style>`, titles of elements) is left out.
pub(crate) fn words(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        // An element in the middle of a word does not cut it.
        let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
        if !["wbr", "b", "/b"].contains(&tag) {
            text.push(' ');
        }
        rest = after;
    }
    text.push_str(rest);
    for (entity, character) in [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for mark in [",", ".", ":", ";"] {
        words = words.replace(&format!(" {mark}"), mark);
    }
    words
}

#[test]
fn what_a_person_reads() {
    let html = "<p>3 <b>down</b>, since <time datetime=\"x\">2 min</time>.</p>\n<a href='y'>&#60;b&#62; &#38;amp;</a>";
    assert_eq!(words(html), "3 down, since 2 min. <b> &amp;");
}
