/// Says that a deployment has failed.
pub async fn deploy_failed(
    failure: Failure<DeployRequested>,
    step: Step,
    gateway: Gateway,
) -> Result<()> {
    step.run("tell", gateway.notify("deploy.failed", &failure.event.data)).await?;
    Ok(())
}
#[doc(hidden)]
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
pub enum deploy_failed {}
const _: () = {
    use ::system_bus_runtime::__private as __bus;
    #[allow(unused_imports)]
    use ::system_bus_runtime::__private::NotAnEvent as _;
    const __STEPS: &[__bus::StepSite] = &[
        __bus::StepSite {
            name: "tell",
            kind: __bus::StepKind::Run,
            line: 4u32,
            repeated: false,
            events: &[],
            invokes: ::core::option::Option::None,
            expression: ::core::option::Option::None,
        },
    ];
    type __Output = Result<()>;
    #[allow(unused_variables)]
    fn __call(context: &__bus::Context) -> __bus::Result<__bus::FunctionFuture> {
        let argument_0 = <Failure<
            DeployRequested,
        > as __bus::FromContext>::from_context(context)?;
        let argument_1 = <Step as __bus::FromContext>::from_context(context)?;
        let argument_2 = <Gateway as __bus::FromContext>::from_context(context)?;
        ::core::result::Result::Ok(
            ::std::boxed::Box::pin(async move {
                <__Output as __bus::FunctionResult>::encode(
                    deploy_failed(argument_0, argument_1, argument_2).await,
                )
            }),
        )
    }
    impl __bus::FailureHandler for deploy_failed {
        type Input = Failure<DeployRequested>;
        const REGISTRATION: __bus::FailureRegistration = {
            let site = __bus::Site {
                file: ::core::file!(),
                line: 1u32,
                manifest_dir: ::core::env!("CARGO_MANIFEST_DIR"),
            };
            let mut handler = __bus::FailureRegistration::new(
                "deploy_failed",
                __call,
                site,
            );
            handler.doc = "Says that a deployment has failed.";
            handler.steps = __STEPS;
            handler.retries = 3u8;
            handler
        };
    }
    __bus::inventory::submit! {
        < deploy_failed as __bus::FailureHandler > ::REGISTRATION
    }
};
