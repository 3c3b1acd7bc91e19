async fn steps(event: Events<One>, step: Step) -> Result<()> {
    let alias = &step;
    let (a, b) = tokio::join!(
        alias.run("join-a", work()), step.clone().run("join-b", work())
    );
    for id in event.iter() {
        step.run(format!("embed-{id}"), embed(id)).retries(2).await?;
    }
    let waited = step
        .wait_for_event::<Two>("wait")
        .matching("async.data.id == event.data.id")
        .timeout(hour)
        .await?;
    tokio::select! {
        biased; first = step.sleep("left", hour) => step.send_event("sent-left", Two { id
        : 1 }). await ?, _ = step.sleep_until("right", later) => { step
        .send_event("sent-right", vec![Two::new(1), Three::default()]). await ?; }
    }
    step.invoke::<other::function>("call", Data { id: 1 }).await?;
    tracing::info!(answer = % step.ai().infer("ask", request). await ?, "asked");
    join_all(event.iter().map(|event| step.fetch(name(event), request))).await;
    step.wait_for_signal("signal").await?;
    Ok(())
}
#[doc(hidden)]
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
enum steps {}
const _: () = {
    use ::system_bus_runtime::__private as __bus;
    #[allow(unused_imports)]
    use ::system_bus_runtime::__private::NotAnEvent as _;
    impl __bus::Function for steps {
        type Input = One;
        type Output = <__Output as __bus::FunctionResult>::Output;
        const ID: &'static str = "steps";
    }
    const __TRIGGERS: &[__bus::Trigger] = &[
        __bus::Trigger::Event {
            name: <One as __bus::EventData>::NAME,
            expression: ::core::option::Option::None,
        },
    ];
    const __CANCEL_ON: &[__bus::CancelOn] = &[];
    const __STEPS: &[__bus::StepSite] = &[
        __bus::StepSite {
            name: "join-a",
            kind: __bus::StepKind::Run,
            line: 4u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "join-b",
            kind: __bus::StepKind::Run,
            line: 4u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "embed-{id}",
            kind: __bus::StepKind::Run,
            line: 6u32,
            repeated: true,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "wait",
            kind: __bus::StepKind::WaitForEvent,
            line: 8u32,
            repeated: false,
            events: &[|| (&__bus::Probe::<Two>(__bus::PhantomData)).event_name()],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::Some("async.data.id == event.data.id"),
        },
        __bus::StepSite {
            name: "left",
            kind: __bus::StepKind::Sleep,
            line: 11u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "sent-left",
            kind: __bus::StepKind::SendEvent,
            line: 11u32,
            repeated: false,
            events: &[|| (&__bus::Probe::<Two>(__bus::PhantomData)).event_name()],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "right",
            kind: __bus::StepKind::Sleep,
            line: 12u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "sent-right",
            kind: __bus::StepKind::SendEvent,
            line: 12u32,
            repeated: false,
            events: &[
                || (&__bus::Probe::<Two>(__bus::PhantomData)).event_name(),
                || (&__bus::Probe::<Three>(__bus::PhantomData)).event_name(),
            ],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "call",
            kind: __bus::StepKind::Invoke,
            line: 14u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::Some(|| {
                <other::function as __bus::Function>::ID
            }),
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "ask",
            kind: __bus::StepKind::Infer,
            line: 15u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "{…}",
            kind: __bus::StepKind::Fetch,
            line: 16u32,
            repeated: true,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "signal",
            kind: __bus::StepKind::WaitForSignal,
            line: 17u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
    ];
    const __CONFIG: __bus::FunctionConfig = {
        let mut config = __bus::FunctionConfig::new("steps");
        config.triggers = __TRIGGERS;
        config.cancel_on = __CANCEL_ON;
        config.steps = __STEPS;
        config.batch = ::core::option::Option::Some(__bus::Batch {
            max_size: 10u32,
            timeout: ::core::time::Duration::from_millis(5000u64),
            key: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        });
        config
    };
    type __Output = Result<()>;
    #[allow(unused_variables)]
    fn __call(context: &__bus::Context) -> __bus::Result<__bus::FunctionFuture> {
        let argument_0 = <Events<One> as __bus::FromContext>::from_context(context)?;
        let argument_1 = <Step as __bus::FromContext>::from_context(context)?;
        ::core::result::Result::Ok(
            ::std::boxed::Box::pin(async move {
                <__Output as __bus::FunctionResult>::encode(
                    steps(argument_0, argument_1).await,
                )
            }),
        )
    }
    __bus::inventory::submit! {
        __bus::FunctionRegistration { config : __CONFIG, call : __call, site :
        __bus::Site { file : ::core::file!(), line : 1u32, manifest_dir :
        ::core::env!("CARGO_MANIFEST_DIR"), }, }
    }
    const _: () = __bus::assert_accepts::<Events<One>, One>();
};
