#[allow(dead_code)]
async fn deploy_failed(event: Event<DeployRequested>) -> Result<()> {
    Ok(())
}
#[doc(hidden)]
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
enum deploy_failed {}
const _: () = {
    use ::system_bus_runtime::__private as __bus;
    impl __bus::FailureHandler for deploy_failed {
        type Input = __bus::AnyEvent;
        const REGISTRATION: __bus::FailureRegistration = __bus::FailureRegistration::new(
            "",
            |_| ::core::unreachable!(),
            __bus::Site {
                file: "",
                line: 0,
                manifest_dir: "",
            },
        );
    }
};
::core::compile_error! {
    "`#[failure_handler(…)]` has no word `id`; the words are `retries`, `allow` and `crate`"
}
::core::compile_error! {
    "a failure handler takes `Failure<…>`: its `event` is the one that started the failed run (and its `events` the batch)"
}
