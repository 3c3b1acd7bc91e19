/// Tells the operator when a CI run of a watched repository ends badly.
async fn workflow_run_notify(
    event: Event<WorkflowRunCompleted>,
    step: Step,
    gateway: Gateway,
) -> Result<Verdict> {
    let verdict = step.run("classify", classify(&event.data)).await?;
    if verdict.bad {
        step.sleep("cool-down", Duration::from_secs(30)).await;
        step.run("notify", gateway.notify("ci.failed", &verdict)).await?;
    }
    Ok(verdict)
}
#[doc(hidden)]
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
enum workflow_run_notify {}
const _: () = {
    use ::system_bus_runtime::__private as __bus;
    #[allow(unused_imports)]
    use ::system_bus_runtime::__private::NotAnEvent as _;
    impl __bus::Function for workflow_run_notify {
        type Input = WorkflowRunCompleted;
        type Output = <__Output as __bus::FunctionResult>::Output;
        const ID: &'static str = "github/workflow-run-notify";
    }
    const __TRIGGERS: &[__bus::Trigger] = &[
        __bus::Trigger::Event {
            name: <WorkflowRunCompleted as __bus::EventData>::NAME,
            expression: ::core::option::Option::None,
        },
    ];
    const __CANCEL_ON: &[__bus::CancelOn] = &[];
    const __STEPS: &[__bus::StepSite] = &[
        __bus::StepSite {
            name: "classify",
            kind: __bus::StepKind::Run,
            line: 4u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "cool-down",
            kind: __bus::StepKind::Sleep,
            line: 6u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
        __bus::StepSite {
            name: "notify",
            kind: __bus::StepKind::Run,
            line: 7u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
    ];
    const __CONFIG: __bus::FunctionConfig = {
        let mut config = __bus::FunctionConfig::new("github/workflow-run-notify");
        config.triggers = __TRIGGERS;
        config.cancel_on = __CANCEL_ON;
        config.steps = __STEPS;
        config.doc = "Tells the operator when a CI run of a watched repository ends badly.";
        config.role = __bus::Role::Cluster;
        config.concurrency = &[
            __bus::Concurrency {
                limit: 2u32,
                key: ::core::option::Option::Some("event.data.repository"),
                scope: __bus::Scope::Fn,
            },
        ];
        config
    };
    type __Output = Result<Verdict>;
    #[allow(unused_variables)]
    fn __call(context: &__bus::Context) -> __bus::Result<__bus::FunctionFuture> {
        let argument_0 = <Event<
            WorkflowRunCompleted,
        > as __bus::FromContext>::from_context(context)?;
        let argument_1 = <Step as __bus::FromContext>::from_context(context)?;
        let argument_2 = <Gateway as __bus::FromContext>::from_context(context)?;
        ::core::result::Result::Ok(
            ::std::boxed::Box::pin(async move {
                <__Output as __bus::FunctionResult>::encode(
                    workflow_run_notify(argument_0, argument_1, argument_2).await,
                )
            }),
        )
    }
    __bus::inventory::submit! {
        __bus::FunctionRegistration { config : __CONFIG, call : __call, site :
        __bus::Site { file : ::core::file!(), line : 1u32, manifest_dir :
        ::core::env!("CARGO_MANIFEST_DIR"), }, }
    }
    const _: () = __bus::assert_accepts::<
        Event<WorkflowRunCompleted>,
        WorkflowRunCompleted,
    >();
};
