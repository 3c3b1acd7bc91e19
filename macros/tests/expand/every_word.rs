pub async fn all(event: Event<Any>) -> Result<(), Failure> {
    Ok(())
}
#[doc(hidden)]
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
pub enum all {}
const _: () = {
    use my::bus::__private as __bus;
    #[allow(unused_imports)]
    use my::bus::__private::NotAnEvent as _;
    impl __bus::Function for all {
        type Input = __bus::serde_json::Value;
        type Output = <__Output as __bus::FunctionResult>::Output;
        const ID: &'static str = "all-words";
    }
    const __TRIGGERS: &[__bus::Trigger] = &[
        __bus::Trigger::Event {
            name: <One as __bus::EventData>::NAME,
            expression: ::core::option::Option::None,
        },
        __bus::Trigger::Event {
            name: <Two as __bus::EventData>::NAME,
            expression: ::core::option::Option::Some("event.data.ok"),
        },
        __bus::Trigger::Cron {
            time_zone: ::core::option::Option::Some("Europe/Berlin"),
            expression: "0 9 * * 1",
        },
    ];
    const __CANCEL_ON: &[__bus::CancelOn] = &[
        __bus::CancelOn {
            event: <Gone as __bus::EventData>::NAME,
            expression: ::core::option::Option::Some("event.data.id == async.data.id"),
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(3600000u64),
            ),
        },
    ];
    const __STEPS: &[__bus::StepSite] = &[];
    const __CONFIG: __bus::FunctionConfig = {
        let mut config = __bus::FunctionConfig::new("all-words");
        config.triggers = __TRIGGERS;
        config.cancel_on = __CANCEL_ON;
        config.steps = __STEPS;
        config.name = ::core::option::Option::Some("All words");
        config.retries = ::core::option::Option::Some(2u8);
        config.throttle = ::core::option::Option::Some(__bus::Throttle {
            limit: 1u32,
            period: ::core::time::Duration::from_millis(90000u64),
            burst: ::core::option::Option::Some(2u32),
            key: ::core::option::Option::Some("k"),
        });
        config.rate_limit = ::core::option::Option::Some(__bus::RateLimit {
            limit: 1u32,
            period: ::core::time::Duration::from_millis(3600000u64),
            key: ::core::option::Option::Some("k"),
        });
        config.debounce = ::core::option::Option::Some(__bus::Debounce {
            period: ::core::time::Duration::from_millis(45000u64),
            key: ::core::option::Option::Some("k"),
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(180000u64),
            ),
        });
        config.priority = ::core::option::Option::Some(__bus::Priority { run: "60" });
        config.singleton = ::core::option::Option::Some(__bus::Singleton {
            key: ::core::option::Option::Some("k"),
            mode: __bus::SingletonMode::Cancel,
        });
        config.timeouts = ::core::option::Option::Some(__bus::Timeouts {
            start: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(600000u64),
            ),
            finish: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(5400000u64),
            ),
        });
        config.on_failure = ::core::option::Option::Some(__bus::OnFailure {
            path: "companion::tell",
            id: "all-words-failure",
        });
        config.checkpoint = ::core::option::Option::Some(__bus::Checkpoint {
            buffered_steps: 10u32,
            max_interval: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(500u64),
            ),
            max_runtime: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(60000u64),
            ),
        });
        config.role = __bus::Role::Host;
        config.concurrency = &[
            __bus::Concurrency {
                limit: 3u32,
                key: ::core::option::Option::None,
                scope: __bus::Scope::Fn,
            },
            __bus::Concurrency {
                limit: 1u32,
                key: ::core::option::Option::Some("'x'"),
                scope: __bus::Scope::Account,
            },
        ];
        config
    };
    type __Output = Result<(), Failure>;
    #[allow(unused_variables)]
    fn __call(context: &__bus::Context) -> __bus::Result<__bus::FunctionFuture> {
        let argument_0 = <Event<Any> as __bus::FromContext>::from_context(context)?;
        ::core::result::Result::Ok(
            ::std::boxed::Box::pin(async move {
                <__Output as __bus::FunctionResult>::encode(all(argument_0).await)
            }),
        )
    }
    __bus::inventory::submit! {
        __bus::FunctionRegistration { config : __CONFIG, call : __call, site :
        __bus::Site { file : ::core::file!(), line : 1u32, manifest_dir :
        ::core::env!("CARGO_MANIFEST_DIR"), }, }
    }
    type __Handler = companion::tell;
    const __FAILURE: &[__bus::Trigger] = &[
        __bus::Trigger::Failure {
            function: "all-words",
        },
    ];
    __bus::inventory::submit! {
        < __Handler as __bus::FailureHandler > ::REGISTRATION
        .companion("all-words-failure", __FAILURE, __CONFIG.role)
    }
    const _: () = __bus::assert_accepts::<Event<Any>, One>();
    const _: () = __bus::assert_accepts::<Event<Any>, Two>();
    const _: () = __bus::assert_accepts::<Event<Any>, __bus::Cron>();
    const _: () = __bus::assert_accepts::<
        <__Handler as __bus::FailureHandler>::Input,
        One,
    >();
    const _: () = __bus::assert_accepts::<
        <__Handler as __bus::FailureHandler>::Input,
        Two,
    >();
    const _: () = __bus::assert_accepts::<
        <__Handler as __bus::FailureHandler>::Input,
        __bus::Cron,
    >();
};
