//! The cryptography behind `https` and `wss`.

use std::sync::Once;

/// Makes ring the provider of rustls for this process, unless the program has chosen one; HTTP clients need it.
pub fn install() {
    static ONCE: Once = Once::new();
    // It fails only when a provider is there already, which then is the program's choice.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}
