//! Whose mail matters most: a list in the environment.

use crate::environment::Environment;

/// The environment variable with the list: addresses and full names, with commas between them.
pub const VARIABLE: &str = "JOELCLAW_VIP_SENDERS";

/// Whether the sender is on the list. An address is compared as a whole with the address, any other entry as a whole
/// with the name: a part of a name would let too many in. Upper and lower case are the same.
pub fn is_vip(environment: &Environment, address: &str, name: &str) -> bool {
    let list = environment.find(VARIABLE).unwrap_or_default().to_lowercase();
    let (address, name) = (bare(address), words(name));
    list.split(',')
        .map(words)
        .filter(|entry| !entry.is_empty())
        .any(|entry| if entry.contains('@') { bare(&entry) == address } else { entry == name })
}

/// The address of `Ada <ada@example.com>`, in lower case.
fn bare(address: &str) -> String {
    let inner = address.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inner, _)| inner);
    inner.unwrap_or(address).trim().to_lowercase()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_known_by_address_or_full_name() {
        let environment = Environment::of([(VARIABLE, " Grace  Hopper, Ada <ada@example.com>,, bob@example.com")]);
        for (address, name, vip) in [
            ("ada@example.com", "", true),
            ("ADA@Example.com", "Somebody", true),
            ("Ada <ada@example.com>", "", true),
            ("bob@example.com", "Bob", true),
            ("grace@navy.example", "grace hopper", true),
            ("grace@navy.example", "Grace Hopper Jr", false),
            ("grace@navy.example", "Grace", false),
            ("notada@example.com", "", false),
            ("ada@example.com.evil.example", "", false),
            ("eve@evil.example", "ada@example.com", false),
            ("", "", false),
        ] {
            assert_eq!(is_vip(&environment, address, name), vip, "{address} {name}");
        }
    }

    #[test]
    fn without_a_list_nobody_is() {
        assert!(!is_vip(&Environment::of::<String, String>([]), "ada@example.com", "Ada"));
        assert!(!is_vip(&Environment::of([(VARIABLE, ",")]), "", ""));
    }
}
