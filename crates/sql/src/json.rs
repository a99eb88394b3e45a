//! Values of events as text: a text as it is, anything else as JSON.

use event::view::Node;

/// Returns what stands at a path of keys; the first where a key occurs twice.
pub(crate) fn at<'n, 'a>(root: &'n Node<'a>, path: &[String]) -> Option<&'n Node<'a>> {
    path.iter().try_fold(root, |node, key| match node {
        Node::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
        _ => None,
    })
}

/// Returns a value as text; `None` for `null`.
pub(crate) fn text(node: &Node<'_>) -> Option<String> {
    match node {
        Node::Null => None,
        Node::Text(text) => Some(text.clone().into_owned()),
        node => Some(json(node)),
    }
}

/// Writes a value as JSON.
pub(crate) fn json(node: &Node<'_>) -> String {
    let mut out = String::new();
    write(node, &mut out);
    out
}

fn write(node: &Node<'_>, out: &mut String) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Node::Number(number) => out.push_str(&number.to_string()),
        Node::Text(text) => quote(text, out),
        Node::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                comma(place, out);
                write(item, out);
            }
            out.push(']');
        }
        Node::Object(entries) => {
            out.push('{');
            for (place, (key, value)) in entries.iter().enumerate() {
                comma(place, out);
                quote(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn comma(place: usize, out: &mut String) {
    if place > 0 {
        out.push(',');
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use event::RecordView;

    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let text = r#"{"a":[1,-2.5,"x\"y",null,true,{"b":{}}],"c":"é\n"}"#;
        let view = RecordView::parse(text.as_bytes()).unwrap();
        assert_eq!(json(view.root()), text);
        let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        assert_eq!(at(view.root(), &path(&["c"])).and_then(super::text), Some("é\n".to_owned()));
        assert!(at(view.root(), &path(&["c", "d"])).is_none());
    }
}
