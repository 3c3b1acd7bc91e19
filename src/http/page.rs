//! The status document for a browser: plain HTML, no scripts, everything escaped.

use std::fmt::Write as _;

use axum::http::header::{CONTENT_SECURITY_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#1a1a1a;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}\
    table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0;\
    border-bottom:1px solid #ddd}code{font-size:.9em}\
    @media(prefers-color-scheme:dark){body{color:#eee;background:#161616}th,td{border-color:#444}a{color:#8cf}}";

/// The page; framing and scripts are forbidden.
pub(super) fn page(status: &Value) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (VARY, "accept"),
    ];
    (headers, Html(html(status))).into_response()
}

fn html(status: &Value) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>system-bus</title><style>{STYLE}</style></head>\n\
         <body>\n<h1>system-bus</h1>\n<p>{} since {}, role {}, version {}.</p>\n",
        text(&status["status"]),
        text(&status["worker"]["startedAt"]),
        text(&status["worker"]["role"]),
        text(&status["version"]),
    );
    let functions = list(&status["functions"]);
    section(&mut page, "Functions", &["id"], functions.iter().map(|id| vec![code(id)]).collect());
    let rows = object(&status["events"]).map(|(name, doc)| vec![code(&Value::from(name)), text(doc)]).collect();
    section(&mut page, "Events", &["name", "meaning"], rows);
    let rows = list(&status["webhooks"]["providers"])
        .iter()
        .map(|provider| {
            let state = if provider["secretSet"] == true {
                "open".to_owned()
            } else {
                let names: Vec<_> = list(&provider["secretVariables"]).iter().map(code).collect();
                format!("closed: set {}", names.join(" or "))
            };
            vec![code(&provider["endpoint"]), state]
        })
        .collect();
    section(&mut page, "Webhooks", &["endpoint", "state"], rows);
    let inbox = &status["webhooks"]["inbox"];
    // Writing to a string cannot fail.
    let _ =
        writeln!(page, "<p>Deliveries: {} waiting, {} failed.</p>", text(&inbox["waiting"]), text(&inbox["failed"]));
    page + "</body>\n</html>\n"
}

fn section(page: &mut String, title: &str, columns: &[&str], rows: Vec<Vec<String>>) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "<h2>{title} ({})</h2>", rows.len());
    if rows.is_empty() {
        page.push_str("<p>None.</p>\n");
        return;
    }
    page.push_str("<table><thead><tr>");
    for column in columns {
        let _ = write!(page, "<th scope=\"col\">{column}</th>");
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{cell}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn code(value: &Value) -> String {
    format!("<code>{}</code>", text(value))
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::html;
    use serde_json::json;

    #[test]
    fn markup_in_names_and_docs_is_text() {
        let page = html(&json!({ "functions": ["<b>"], "events": { "a\"b": "<script>alert('&')</script>" } }));
        assert!(page.contains("<code>&lt;b&gt;</code>") && page.contains("a&quot;b"));
        assert!(page.contains("&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;") && !page.contains("<script>"));
    }
}
