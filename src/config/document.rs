//! Writes `config/secondlook.toml`: every key with its default, below its documentation.

use documented::DocumentedFields;
use serde::Serialize;

use super::Config;

/// Longest line of a comment.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Every key of secondlook with its default, as `secondlook config` prints it. Delete the keys that
# you do not change.
#
# The environment overrides this file: SECONDLOOK_LISTEN, or SECONDLOOK_LIMITS__MAX_PIXELS with two
# underscores between section and key. The options --listen and --models override both.
";

/// The file with every key, generated from the code.
///
/// # Errors
/// If a default cannot be written as TOML, which is a bug.
pub fn document() -> Result<String, toml::ser::Error> {
    let config = Config::default();
    let listen = toml::to_string(&config)?;
    let sections = [
        section("access", &config.access)?,
        section("server", &config.server)?,
        section("limits", &config.limits)?,
        section("models", &config.models)?,
        section("engine", &config.engine)?,
        section("runtime", &config.runtime)?,
        section("log", &config.log)?,
    ];
    Ok(format!(
        "{HEAD}\n{}{}",
        entries::<Config>(&listen),
        sections.concat()
    ))
}

fn section<Section: DocumentedFields + Serialize>(
    name: &str,
    section: &Section,
) -> Result<String, toml::ser::Error> {
    let keys = toml::to_string(section)?;
    Ok(format!("\n[{name}]\n{}", entries::<Section>(&keys)))
}

/// The keys before the first table, each below its comment.
fn entries<Section: DocumentedFields>(toml: &str) -> String {
    let lines = toml.lines().take_while(|line| !line.starts_with('['));
    let keys = lines.filter_map(|line| Some((line.split_once(" = ")?.0, line)));
    keys.map(|(key, line)| {
        let comment = Section::get_field_docs(key).unwrap_or_default();
        format!("{}{line}\n", wrapped(comment))
    })
    .collect()
}

fn wrapped(comment: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in comment.split_whitespace() {
        if let Some(line) = lines.last()
            && line.chars().count() + 1 + word.chars().count() > WIDTH
        {
            lines.push("#".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
