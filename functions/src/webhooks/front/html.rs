//! The text of a message in HTML: no browser, but words stay words.

/// Elements whose content is no text.
const SILENT: [&str; 2] = ["script", "style"];

/// The words of an HTML document on one line.
pub(super) fn text(html: &str) -> String {
    // Once and at the end, so that what was escaped is text and never a tag.
    one_line(&html_escape::decode_html_entities(&without_tags(html)))
}

/// The words of a text on one line.
pub(super) fn one_line(text: &str) -> String {
    // As in JavaScript, the byte order mark is white space too.
    let words = text.split(|letter: char| letter.is_whitespace() || letter == '\u{feff}');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The document with a space for each tag, comment and silent element.
///
/// Each byte is looked at a bounded number of times, whatever the document is.
fn without_tags(html: &str) -> String {
    // The same length, so that places in one are places in the other.
    let lower = html.to_ascii_lowercase();
    let mut text = String::with_capacity(html.len());
    let mut at = 0;
    while let Some(found) = lower[at..].find('<') {
        let open = at + found;
        text.push_str(&html[at..open]);
        let tag = &lower[open + 1..];
        if !tag.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!' | '?')) {
            text.push('<');
            at = open + 1;
            continue;
        }
        let (end, length) = match SILENT.iter().find(|name| is_named(tag, name)) {
            // The end tag is the next tag.
            Some(name) => (tag.find(&format!("</{name}")), 0),
            None if tag.starts_with("!--") => (tag.find("-->"), 3),
            None => match tag.find('>') {
                Some(end) => (Some(end), 1),
                // A text such as `a <b`: there is no tag any more.
                None => return text + &html[open..],
            },
        };
        text.push(' ');
        // What is not closed reaches to the end.
        let Some(end) = end else { return text };
        at = open + 1 + end + length;
    }
    text + &html[at..]
}

fn is_named(tag: &str, name: &str) -> bool {
    tag.strip_prefix(name)
        .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(text(html), expected, "{html}");
    }

    #[test]
    fn tags_become_spaces() {
        check("<p>Hello<br>there</p><p>you</p>", "Hello there you");
        check("<DIV class=\"a\">one</DIV >\n\n<img src='x'/>two", "one two");
        check("<!DOCTYPE html><html><?xml version=\"1.0\"?>text</html>", "text");
        check("no tags at\tall\u{feff}\u{a0}here", "no tags at all here");
        check("", "");
        check("<br>", "");
    }

    #[test]
    fn scripts_styles_and_comments_are_no_text() {
        check("a<script>if (1 < 2) { b() }</script>c", "a c");
        check("a<STYLE type='text/css'>p > b { }</Style\n>c", "a c");
        check("a<!-- b > <b>c</b> -->d<!-->e", "a d e");
        check("<scripted>a</scripted><style-x>b</style-x>", "a b");
        check("a<script>never closed", "a");
        check("a<!-- never closed <b>c</b>", "a");
    }

    #[test]
    fn a_less_than_sign_is_text() {
        check("a < b, 1<2, <3", "a < b, 1<2, <3");
        check("a <b and c", "a <b and c");
        check("<i>a</i> <b", "a <b");
        check("<", "<");
    }

    #[test]
    fn entities_are_decoded_once() {
        check("Caf&eacute;&nbsp;&amp;&nbsp;tea &lt;b&gt;", "Café & tea <b>");
        check("&amp;lt;b&amp;gt; &amp;amp;", "&lt;b&gt; &amp;");
        check("&#233;&#xE9;&#X1F600;", "éé\u{1f600}");
        check("&hellip; &rsquo; &mdash;", "… ’ —");
        check(
            "AT&T &unknown; &; &#; &#xzz; &#55296; &#1114112; &",
            "AT&T &unknown; &; &#; &#xzz; &#55296; &#1114112; &",
        );
    }

    #[test]
    fn no_document_takes_long() {
        for part in ["<a", "<!--", "<script>", "<style", "<", "</script", "&", "&#", "&amp", "<a>", "<!-- -->"] {
            let length = text(&part.repeat(1_000_000 / part.len())).len();
            assert!(length <= 1_000_000, "{part}");
        }
    }
}
