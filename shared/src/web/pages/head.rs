//! The head of a page: the campus's name and the room's, in place of `{{…}}`.

use domain::campus::{Building, Campus, Classroom};

/// The values of a page's placeholders. None may be in its script or its style, whose digests are in the policy.
#[derive(Debug)]
pub(super) struct Head<'a> {
    /// `{{title}}`
    title: String,
    /// `{{description}}`
    description: String,
    /// `{{campus}}`: its name.
    campus: &'a str,
    /// `{{base}}`: the relative URL from the page to the service's root, which may differ from the host's.
    base: &'static str,
}

/// From `/app` to the root.
const FROM_APP: &str = "";
/// From `/app/rooms/{id}` to the root.
const FROM_ROOM: &str = "../../";

impl<'a> Head<'a> {
    /// The head of `/app`.
    pub(super) fn of_app(campus: &'a Campus) -> Self {
        let campus = &campus.name;
        Self {
            title: format!("Free classrooms · {campus}"),
            description: format!("Which classroom of {campus} is free now, and until when."),
            campus,
            base: FROM_APP,
        }
    }

    /// The head of a room's page.
    pub(super) fn of_room(campus: &'a Campus, building: &Building, room: &Classroom) -> Self {
        let (campus, name) = (&campus.name, format!("{} {}", building.code, room.name));
        Self {
            title: format!("{name} · {campus}"),
            description: format!("When {name} ({}) is free, day by day.", building.name),
            campus,
            base: FROM_ROOM,
        }
    }

    /// The head of the page of a room that the campus does not have.
    pub(super) fn of_no_room(campus: &'a Campus) -> Self {
        let campus = &campus.name;
        Self {
            title: format!("Classroom not found · {campus}"),
            description: format!("{campus} has no classroom at this address."),
            campus,
            base: FROM_ROOM,
        }
    }

    /// Returns the page with these values in place of the placeholders. Other text in braces stays.
    pub(super) fn fill(&self, html: &str) -> String {
        let mut filled = String::with_capacity(html.len() + 512);
        let mut rest = html;
        while let Some((before, behind)) = rest.split_once("{{") {
            filled.push_str(before);
            let placeholder = behind.split_once("}}").and_then(|(name, behind)| Some((self.value(name)?, behind)));
            if let Some((value, behind)) = placeholder {
                push_escaped(&mut filled, value);
                rest = behind;
            } else {
                filled.push_str("{{");
                rest = behind;
            }
        }
        filled.push_str(rest);
        filled
    }

    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "title" => Some(&self.title),
            "description" => Some(&self.description),
            "campus" => Some(self.campus),
            "base" => Some(self.base),
            _ => None,
        }
    }
}

/// Appends a text from the campus file, escaped for any place in HTML.
fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_with_escaped_texts_and_the_rest_stays() {
        let head = Head {
            title: "<script>alert(1)</script>".to_owned(),
            description: "\"'&{{campus}}".to_owned(),
            campus: "A",
            base: FROM_ROOM,
        };
        for (html, expected) in [
            ("<title>{{title}}</title>", "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>"),
            ("<meta content=\"{{description}}\">", "<meta content=\"&quot;&#39;&amp;{{campus}}\">"),
            ("{{base}}app of {{campus}}", "../../app of A"),
            ("{{other}} {{{campus}}} {{campus}", "{{other}} {{{campus}}} {{campus}"),
            ("${{a: 1}}{{", "${{a: 1}}{{"),
        ] {
            assert_eq!(head.fill(html), expected);
        }
    }
}
