//! The address and port to listen on, as a person writes it.

use std::net::{SocketAddr, ToSocketAddrs};

use serde::{Deserialize, Deserializer, de::Error};

/// What a valid value looks like.
pub(super) const EXPECTED: &str = "an address and a port, such as 127.0.0.1:8080 (this machine only) \
    or 0.0.0.0:8080 (every network)";

/// Reads `127.0.0.1:8080`, `[::1]:8080` or a name such as `localhost:8080`. Of a name's addresses
/// an IPv4 one is preferred.
///
/// # Errors
/// What was expected, with an example.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let parts = text.rsplit_once(':');
    let parts = parts.and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let Some((host, port)) = parts.filter(|(host, _)| is_name(host)) else {
        return Err(format!("expected {EXPECTED}, found `{text}`"));
    };
    let unknown = || {
        format!(
            "the host name `{host}` has no address: check its spelling, or write the address \
             itself, such as 127.0.0.1:8080"
        )
    };
    let found = (host, port).to_socket_addrs().map_err(|_| unknown())?;
    let addresses: Vec<SocketAddr> = found.collect();
    let preferred = addresses.iter().find(|address| address.is_ipv4());
    preferred.or(addresses.first()).copied().ok_or_else(unknown)
}

/// Whether a text can be a host name. Anything else would be looked up in vain.
fn is_name(host: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    host.starts_with(|first: char| first.is_ascii_alphabetic()) && host.bytes().all(is_allowed)
}

/// The value of the key `listen`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::parse;

    #[test]
    fn addresses_and_localhost_are_read() {
        for text in ["127.0.0.1:8080", "[::1]:8080", "0.0.0.0:0"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        let local = parse("localhost:8080").unwrap();
        assert!(local.ip().is_loopback() && local.port() == 8080);
    }

    #[test]
    fn incomplete_addresses_get_an_example() {
        for text in [
            "8080",
            ":8080",
            "127.0.0.1",
            "localhost",
            "1.2.3:80",
            "a b:80",
            "localhost:http",
            "",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("such as 127.0.0.1:8080"), "{error}");
        }
    }
}
