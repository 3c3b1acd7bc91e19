//! The registry as the engine uses it: functions by event, parsed expressions, time tables.

use std::collections::HashMap;
use std::sync::Arc;

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use system_bus_runtime::event::{Cron as CronEvent, EventData, FunctionFailed, FunctionInvoked};
use system_bus_runtime::expression::{Expression, ExpressionError};
use system_bus_runtime::function::{CancelOn, FunctionConfig, FunctionRegistration, Scope as Sharing, Trigger};
use system_bus_runtime::registry::Registry;

use crate::flow::Slot;
use crate::store::Millis;

/// Why a registry cannot be run. The build checks the same, so only a program without such a build gets here.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Two functions have one id.
    #[error("two functions have the id `{0}`: give one of them another id")]
    DuplicateFunction(&'static str),
    /// Two types have one event name.
    #[error("two types declare the event `{0}`: remove one of them")]
    DuplicateEvent(&'static str),
    /// An expression does not parse.
    #[error("function `{function}`: the expression `{expression}` does not parse: {source}")]
    Expression {
        /// The function's id.
        function: &'static str,
        /// The expression.
        expression: &'static str,
        /// What is wrong with it.
        source: ExpressionError,
    },
    /// A time table does not parse.
    #[error("function `{function}`: the time table `{expression}` does not parse: {message}")]
    Cron {
        /// The function's id.
        function: &'static str,
        /// The time table.
        expression: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

/// What the engine knows of the linked functions and events.
pub(crate) struct Catalog {
    registry: Registry,
    functions: Vec<Function>,
    by_id: HashMap<&'static str, usize>,
    by_event: HashMap<&'static str, Vec<EventTrigger>>,
    /// Failure handlers, by the id of the failed function.
    failure_handlers: HashMap<&'static str, usize>,
    crons: Vec<CronTrigger>,
}

/// One function.
pub(crate) struct Function {
    pub(crate) registration: &'static FunctionRegistration,
    concurrency: Vec<ConcurrencyRule>,
    pub(crate) cancel_on: Vec<Cancellation>,
}

struct ConcurrencyRule {
    prefix: String,
    limit: u32,
    key: Option<Expression>,
}

/// An event that cancels a function's runs.
pub(crate) struct Cancellation {
    pub(crate) rule: &'static CancelOn,
    pub(crate) expression: Option<Expression>,
}

/// An event that starts a function.
pub(crate) struct EventTrigger {
    pub(crate) function: usize,
    pub(crate) expression: Option<Expression>,
}

/// A time table that starts a function.
pub(crate) struct CronTrigger {
    pub(crate) function: usize,
    /// The expression as its author wrote it, with the time zone.
    pub(crate) text: String,
    cron: Cron,
    time_zone: TimeZone,
}

impl Catalog {
    pub(crate) fn new(registry: &Registry) -> Result<Self, CatalogError> {
        let mut catalog = Self {
            registry: registry.clone(),
            functions: Vec::new(),
            by_id: HashMap::new(),
            by_event: HashMap::new(),
            failure_handlers: HashMap::new(),
            crons: Vec::new(),
        };
        for pair in registry.events().windows(2) {
            if pair[0].name == pair[1].name {
                return Err(CatalogError::DuplicateEvent(pair[0].name));
            }
        }
        for registration in registry.functions() {
            catalog.add(registration)?;
        }
        Ok(catalog)
    }

    fn add(&mut self, registration: &'static FunctionRegistration) -> Result<(), CatalogError> {
        let config = &registration.config;
        let function = self.functions.len();
        if self.by_id.insert(config.id, function).is_some() {
            return Err(CatalogError::DuplicateFunction(config.id));
        }
        for trigger in config.triggers {
            match *trigger {
                Trigger::Event { name, expression } => {
                    let expression = parse(config, expression)?;
                    self.by_event.entry(name).or_default().push(EventTrigger { function, expression });
                }
                Trigger::Cron { time_zone, expression } => {
                    self.crons.push(cron_trigger(config.id, function, time_zone, expression)?);
                }
                Trigger::Failure { function: failed } => {
                    self.failure_handlers.insert(failed, function);
                }
            }
        }
        let concurrency = config.concurrency.iter().enumerate().map(|(index, rule)| {
            let prefix = match rule.scope {
                Sharing::Fn => format!("fn:{}:{index}:", config.id),
                Sharing::Env => format!("env:{}:", rule.key.unwrap_or_default()),
                Sharing::Account => format!("account:{}:", rule.key.unwrap_or_default()),
            };
            Ok(ConcurrencyRule { prefix, limit: rule.limit, key: parse(config, rule.key)? })
        });
        let cancel_on =
            config.cancel_on.iter().map(|rule| Ok(Cancellation { rule, expression: parse(config, rule.expression)? }));
        self.functions.push(Function {
            registration,
            concurrency: concurrency.collect::<Result<_, CatalogError>>()?,
            cancel_on: cancel_on.collect::<Result<_, CatalogError>>()?,
        });
        Ok(())
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn function(&self, index: usize) -> &Function {
        &self.functions[index]
    }

    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The triggers of an event; a function may have several of them.
    pub(crate) fn triggers(&self, event: &str) -> &[EventTrigger] {
        self.by_event.get(event).map_or(&[], Vec::as_slice)
    }

    /// What runs when a run of this function has failed.
    pub(crate) fn failure_handler(&self, id: &str) -> Option<usize> {
        self.failure_handlers.get(id).copied()
    }

    pub(crate) fn crons(&self) -> &[CronTrigger] {
        &self.crons
    }

    /// What functions declare and this engine does not do yet, as `(function, words)`.
    pub(crate) fn unsupported(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let words = |config: &FunctionConfig| {
            [
                (config.throttle.is_some(), "throttle"),
                (config.rate_limit.is_some(), "rate_limit"),
                (config.debounce.is_some(), "debounce"),
                (config.batch.is_some(), "batch"),
                (config.priority.is_some(), "priority"),
                (config.singleton.is_some(), "singleton"),
                (config.idempotency.is_some(), "idempotency"),
                (config.timeouts.is_some(), "timeouts"),
            ]
            .into_iter()
            .filter_map(|(declared, word)| declared.then_some(word))
            .collect::<Vec<_>>()
        };
        let configs = self.functions.iter().map(|function| &function.registration.config);
        configs.map(|config| (config.id, words(config))).filter(|(_, words)| !words.is_empty()).collect()
    }
}

impl Function {
    /// Whether its runs need the event's JSON to be admitted.
    pub(crate) fn is_limited(&self) -> bool {
        !self.concurrency.is_empty()
    }

    /// The counters that an executing step of a run needs a place in. A key without a value shares one counter.
    pub(crate) fn slots(&self, event: &serde_json::Value) -> Arc<[Slot]> {
        let scope = system_bus_runtime::expression::Scope { event, async_event: None };
        self.concurrency
            .iter()
            .map(|rule| {
                let value = rule.key.as_ref().map(|key| key.key(&scope).unwrap_or_default()).unwrap_or_default();
                Slot { key: format!("{}{value}", rule.prefix).into(), limit: rule.limit }
            })
            .collect()
    }
}

impl CronTrigger {
    /// The first time after `now`; none when the table names no further time.
    pub(crate) fn next_after(&self, now: Millis) -> Option<Millis> {
        let now = Timestamp::from_millisecond(now).ok()?.to_zoned(self.time_zone.clone());
        self.cron.find_next_occurrence(&now, false).ok().map(|next| next.timestamp().as_millisecond())
    }
}

fn parse(config: &FunctionConfig, expression: Option<&'static str>) -> Result<Option<Expression>, CatalogError> {
    expression
        .map(|expression| {
            Expression::parse(expression).map_err(|source| CatalogError::Expression {
                function: config.id,
                expression,
                source,
            })
        })
        .transpose()
}

fn cron_trigger(
    id: &'static str,
    function: usize,
    time_zone: Option<&'static str>,
    expression: &'static str,
) -> Result<CronTrigger, CatalogError> {
    let failed = |message: String| CatalogError::Cron { function: id, expression, message };
    let cron = CronParser::builder()
        .seconds(Seconds::Optional)
        .build()
        .parse(expression)
        .map_err(|error| failed(error.to_string()))?;
    let zone = TimeZone::get(time_zone.unwrap_or("UTC")).map_err(|error| failed(error.to_string()))?;
    let text = time_zone.map_or_else(|| expression.to_owned(), |zone| format!("TZ={zone} {expression}"));
    Ok(CronTrigger { function, text, cron, time_zone: zone })
}

/// Whether events of this name are made by the engine itself.
pub(crate) fn is_internal(name: &str) -> bool {
    [CronEvent::NAME, FunctionInvoked::NAME, FunctionFailed::NAME].contains(&name)
}
