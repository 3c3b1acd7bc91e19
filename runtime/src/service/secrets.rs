//! Placeholder until the real one is merged.
use std::sync::Arc;
#[derive(Clone)]
pub struct Secret(String);
impl Secret {
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
#[derive(Clone, Copy, Debug)]
pub struct SecretSource {
    pub variables: &'static [&'static str],
    pub lease: Option<&'static str>,
}
#[derive(Clone)]
pub struct Secrets(Arc<dyn Fn(&str) -> Option<String> + Send + Sync>);
impl Secrets {
    pub fn new(f: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(f))
    }
    pub fn current(&self, s: &SecretSource) -> Arc<[Secret]> {
        let fallbacks = s.variables.iter().map(|v| format!("{v}_FALLBACK"));
        let all = s.variables.iter().map(|v| (*v).to_owned()).chain(fallbacks);
        all.filter_map(|v| (self.0)(&v)).filter(|value| !value.trim().is_empty()).map(Secret).collect()
    }
}
