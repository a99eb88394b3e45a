//! Values of events as text: a text as it is, anything else as JSON.

use crate::RecordView;
use crate::filter::FieldPath;
use crate::view::Node;

impl<'a> Node<'a> {
    /// Returns what stands at a path of keys; the first where a key occurs twice.
    pub fn at<'n>(&'n self, mut path: impl Iterator<Item = &'n str>) -> Option<&'n Node<'a>> {
        path.try_fold(self, |node, key| match node {
            Node::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        })
    }

    /// Returns the value as a cell of a table shows it: text as it is, anything else as JSON; `None` for `null`.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Node::Null => None,
            Node::Text(text) => Some(text.clone().into_owned()),
            node => Some(node.to_json()),
        }
    }

    /// Writes the value as JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }
}

impl RecordView<'_> {
    /// Returns what a cell of a table shows at a dotted path of plain keys: what stands there, or else the first value that a
    /// filter finds there by keys with dots or in lists.
    pub fn cell(&self, path: &str) -> Option<String> {
        if let Some(node) = self.root().at(path.split('.')) {
            return node.to_text();
        }
        let mut first = None;
        FieldPath::parse(path).ok()?.each_value(self, &mut |value| {
            first.get_or_insert_with(|| value.to_owned());
        });
        first
    }
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
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let text = r#"{"a":[1,-2.5,"x\"y",null,true,{"b":{}}],"c":"é\n"}"#;
        let view = RecordView::parse(text.as_bytes()).unwrap();
        assert_eq!(view.root().to_json(), text);
        assert_eq!(view.root().at(["c"].into_iter()).and_then(Node::to_text), Some("é\n".to_owned()));
        assert!(view.root().at(["c", "d"].into_iter()).is_none());
    }

    #[test]
    fn cells_show_what_stands_at_a_path_in_whatever_form() {
        let cell = |text: &str| RecordView::parse(text.as_bytes()).unwrap().cell("actor.user");
        for (event, shown) in [
            (r#"{"actor":{"user":"a"}}"#, Some("a")),
            (r#"{"actor":{"user":7}}"#, Some("7")),
            (r#"{"actor":{"user":["a","b"]}}"#, Some(r#"["a","b"]"#)),
            (r#"{"actor":{"user":"a","user":"b"}}"#, Some("a")),
            (r#"{"actor.user":"a"}"#, Some("a")),
            (r#"{"actor":[{"user":"a"},{"user":"b"}]}"#, Some("a")),
            (r#"{"actor":{"user":null}}"#, None),
            (r#"{"actor":"a"}"#, None),
        ] {
            assert_eq!(cell(event).as_deref(), shown, "{event}");
        }
    }
}
