#[allow(dead_code)]
async fn wrong() -> Result<()> {
    Ok(())
}
#[doc(hidden)]
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
enum wrong {}
const _: () = {
    use ::system_bus_runtime::__private as __bus;
    impl __bus::Function for wrong {
        type Input = __bus::serde_json::Value;
        type Output = __bus::serde_json::Value;
        const ID: &'static str = "wrong";
    }
};
::core::compile_error! {
    "`Wrong` is no function id; write kebab-case words, which `/` and `.` may join, such as `github/workflow-run-notify`"
}
