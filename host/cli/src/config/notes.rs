//! What there is to tell the developer about functions.

/// Notes of which those that say the same of several functions are one.
pub fn gathered(notes: Vec<String>) -> Vec<String> {
    let mut gathered: Vec<(Vec<String>, String)> = Vec::new();
    for note in notes {
        let about = note
            .strip_prefix("function ")
            .and_then(|rest| rest.split_once(": "));
        let (name, text) = match about {
            Some((name, text)) => (Some(name.to_owned()), text.to_owned()),
            None => (None, note),
        };
        let same = gathered
            .iter_mut()
            .find(|(names, other)| names.is_empty() == name.is_none() && *other == text);
        match (same, name) {
            (Some((names, _)), Some(name)) if !names.contains(&name) => names.push(name),
            (Some(_), _) => {}
            (None, name) => gathered.push((name.into_iter().collect(), text)),
        }
    }
    let shown = |(names, text): (Vec<String>, String)| match names.as_slice() {
        [] => text,
        [name] => format!("function {name}: {text}"),
        names => format!("functions {}: {text}", names.join(", ")),
    };
    gathered.into_iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_that_say_the_same_of_several_functions_are_one() {
        let notes = [
            "x",
            "function a: old",
            "function b: new",
            "function b: old",
            "function a: old",
            "x",
        ];
        let gathered = gathered(notes.map(str::to_owned).to_vec());
        assert_eq!(gathered, ["x", "functions a, b: old", "function b: new"]);
    }
}
