#![allow(clippy::unwrap_used, clippy::result_large_err)]
//! figment's `Jail` gives each test its own directory and environment.

use figment::Jail;

use super::{Config, ExecutionProvider, LogFormat, Overrides, document};

const DOCUMENTED: &str = include_str!("../../config/secondlook.toml");

fn load() -> Result<Config, String> {
    Config::load(&Overrides::default()).map_err(|error| error.to_string())
}

fn load_from_file(text: &str) -> Result<Config, String> {
    let mut loaded = Err(String::new());
    Jail::expect_with(|jail| {
        jail.create_file("given.toml", text)?;
        let overrides = Overrides {
            file: Some("given.toml".into()),
            ..Overrides::default()
        };
        loaded = Config::load(&overrides).map_err(|error| error.to_string());
        Ok(())
    });
    loaded
}

/// Every key of a table with its path, such as `limits.max_pixels`.
fn keys(table: &toml::Table, prefix: &str) -> Vec<String> {
    let paths = table.iter().flat_map(|(key, value)| match value {
        toml::Value::Table(section) => keys(section, &format!("{prefix}{key}.")),
        _ => vec![format!("{prefix}{key}")],
    });
    paths.collect()
}

#[test]
fn config_file_is_up_to_date() {
    let documented: toml::Table = toml::from_str(DOCUMENTED).unwrap();
    let defaults: toml::Table =
        toml::from_str(&toml::to_string(&Config::default()).unwrap()).unwrap();
    assert_eq!(documented, defaults);
    assert_eq!(keys(&documented, ""), keys(&defaults, ""));
    assert_eq!(load_from_file(DOCUMENTED).unwrap(), Config::default());
    assert!(
        document().unwrap() == DOCUMENTED,
        "config/secondlook.toml is out of date: run `make config`"
    );
}

#[test]
fn every_key_has_a_comment() {
    let lines: Vec<&str> = DOCUMENTED.lines().collect();
    for pair in lines
        .windows(2)
        .filter(|pair| pair[1].contains(" = ") && !pair[1].starts_with('#'))
    {
        assert!(pair[0].starts_with("# "), "no comment above `{}`", pair[1]);
    }
}

#[test]
fn no_settings_give_the_defaults() {
    Jail::expect_with(|_| {
        assert_eq!(load().unwrap(), Config::default());
        Ok(())
    });
}

#[test]
fn flags_override_environment_overrides_file() {
    Jail::expect_with(|jail| {
        jail.create_file(
            "other.toml",
            "listen = '127.0.0.1:1'\n[limits]\nmax_pixels = 5\n[log]\nformat = 'json'",
        )?;
        jail.set_env("SECONDLOOK_CONFIG", "other.toml");
        jail.set_env("SECONDLOOK_LISTEN", "127.0.0.1:2");
        jail.set_env("SECONDLOOK_LIMITS__MAX_PIXELS", "7");
        jail.set_env(
            "SECONDLOOK_ENGINE__EXECUTION_PROVIDERS",
            r#"["cuda:1", "cpu"]"#,
        );
        let config = load().unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.limits.max_pixels, 7);
        assert_eq!(config.log.format, LogFormat::Json);
        assert_eq!(
            config.engine.execution_providers,
            [ExecutionProvider::Cuda(1), ExecutionProvider::Cpu]
        );

        let listen = Some("127.0.0.1:3".parse().unwrap());
        let flags = Overrides {
            listen,
            models: Some("elsewhere".into()),
            file: None,
        };
        let config = Config::load(&flags).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.models.directory.to_str(), Some("elsewhere"));
        Ok(())
    });
}

#[test]
fn unknown_keys_are_refused() {
    Jail::expect_with(|jail| {
        jail.set_env("SECONDLOOK_LIMITS__MAX_PIXEL", "7");
        let error = load().unwrap_err();
        assert!(
            error.contains("max_pixel") && !error.contains('\n'),
            "{error}"
        );
        Ok(())
    });
    for text in [
        "lisen = '127.0.0.1:1'",
        "[limits]\nmax_pixel = 5",
        "[limit]\n",
        "[limits\n",
    ] {
        let error = load_from_file(text).unwrap_err();
        assert!(
            error.contains("given.toml") && !error.contains('\n'),
            "{error}"
        );
    }
}

#[test]
fn kubernetes_variables_are_ignored() {
    Jail::expect_with(|jail| {
        jail.set_env("SECONDLOOK_SERVICE_HOST", "10.0.0.1");
        jail.set_env("SECONDLOOK_PORT", "tcp://10.0.0.1:80");
        jail.set_env("SECONDLOOK_PORT_80_TCP_ADDR", "10.0.0.1");
        assert_eq!(load().unwrap(), Config::default());
        Ok(())
    });
}

#[test]
fn client_key_variable_is_ignored() {
    Jail::expect_with(|jail| {
        jail.set_env("SECONDLOOK_API_KEY", "secondlook_0123");
        assert_eq!(load().unwrap(), Config::default());
        Ok(())
    });
}

#[test]
fn api_keys_are_not_repeated_in_errors() {
    let digest = "0".repeat(64);
    let wrong = [
        ("secondlook_0123".to_owned(), "a list in brackets"),
        ("[secondlook_0123]".to_owned(), "an entry with"),
        ("{secondlook_0123 = 1}".to_owned(), "a list in brackets"),
        ("[{name = \"lims\"}]".to_owned(), "`sha256`"),
        ("[{secondlook_0123 = 1}]".to_owned(), "sha256"),
        (
            format!("[{{name = \"lims\", sha256 = \"{digest}\", scopes = [\"secondlook_0123\"]}}]"),
            "one of predict",
        ),
    ];
    for (value, expected) in wrong {
        Jail::expect_with(|jail| {
            jail.set_env("SECONDLOOK_ACCESS__KEYS", &value);
            let error = load().unwrap_err();
            assert!(!error.contains("secondlook_0123"), "{error}");
            for word in [expected, "access.keys", "secondlook keys new"] {
                assert!(error.contains(word), "`{word}`: {error}");
            }
            Ok(())
        });
    }
    let error = load_from_file("[access]\nkeys = secondlook_0123").unwrap_err();
    assert!(!error.contains("secondlook_0123"), "{error}");
    assert!(
        error.contains("line 2") && error.contains("given.toml"),
        "{error}"
    );
}

#[test]
fn impossible_values_are_refused() {
    let impossible = [
        "listen = 'nowhere'",
        "[engine]\nexecution_providers = ['gpu']",
        "[engine]\nexecution_providers = []",
        "[engine]\nqueue_capacity = 0",
        "[engine]\nworkers = -1",
        "[engine]\ntrunk_precision = 'int4'",
        "[server]\nrequest_timeout_seconds = 0",
        "[server]\nrequest_timeout_seconds = -1.5",
        "[server]\nrequest_timeout_seconds = nan",
        "[server]\ndrain_timeout_seconds = 1e300",
        "[limits]\nmax_image_bytes = 0",
        "[limits]\nbatches_at_once = 0",
        "[limits]\nmax_answer_bytes = 0",
        "[limits]\nmax_waiting_bytes = 19999999",
        "[log]\nformat = 'xml'",
    ];
    for text in impossible {
        assert!(load_from_file(text).is_err(), "{text}");
    }
}

#[test]
fn errors_name_file_key_and_example() {
    let cases = [
        (
            "listen = '8080'",
            "`listen`: expected an address and a port, such as 127.0.0.1:8080 (this machine only) \
             or 0.0.0.0:8080 (every network), found `8080`",
        ),
        (
            "[limits]\nmax_pixels = 'many'",
            "`limits.max_pixels`: expected a whole number that is not negative, found the text `many`",
        ),
        (
            "[limits]\nmax_pixel = 5",
            "`limits.max_pixel` is not a known key, expected one of max_image_bytes, \
             max_pixels, max_waiting_bytes, max_cells, max_batch_bytes, max_answer_bytes, \
             batches_at_once",
        ),
        (
            "[log]\nformat = 'xml'",
            "`log.format`: expected one of text, json, found `xml`",
        ),
        (
            "[limits\n",
            "line 1, column 8 is not valid TOML: check quotes, brackets and keys that are there twice",
        ),
    ];
    for (text, expected) in cases {
        let error = load_from_file(text).unwrap_err();
        assert_eq!(error, format!("configuration: given.toml: {expected}"));
    }
    Jail::expect_with(|jail| {
        jail.set_env("SECONDLOOK_LIMITS__MAX_PIXELS", "many");
        let error = load().unwrap_err();
        let place = "configuration: SECONDLOOK_LIMITS__MAX_PIXELS: `limits.max_pixels`: ";
        assert!(error.starts_with(place), "{error}");
        Ok(())
    });
}

#[test]
fn whole_seconds_are_accepted() {
    let config = load_from_file("[server]\nrequest_timeout_seconds = 3").unwrap();
    assert_eq!(
        config.server.request_timeout_seconds.duration().as_secs(),
        3
    );
}

#[test]
fn missing_named_file_is_refused() {
    let overrides = Overrides {
        file: Some("absent.toml".into()),
        ..Overrides::default()
    };
    assert!(
        Config::load(&overrides)
            .unwrap_err()
            .to_string()
            .contains("absent.toml")
    );
}
