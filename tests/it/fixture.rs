//! A program with functions made for these tests. This test binary is that program when it is started again.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use system_bus::Application;
use system_bus_runtime::prelude::*;

/// The variable that holds the arguments of the program.
pub(crate) const ARGUMENTS: &str = "SYSTEM_BUS_TEST_ARGUMENTS";

/// Separates the arguments.
pub(crate) const SEPARATOR: char = '\u{1f}';

/// What comes before the program's own output, after what the test harness writes.
pub(crate) const MARK: &str = "\u{1}start\n";

/// Not a test of its own: another test starts this binary with [`ARGUMENTS`] set, and then it is the program.
#[test]
fn program() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    print!("{MARK}");
    let status = system_bus::main(Application::linked(), arguments.split(SEPARATOR).map(Into::into));
    std::process::exit(i32::from(status != ExitCode::SUCCESS) + i32::from(status == ExitCode::from(2)));
}

/// Work in several steps was asked for; each leaves a line in a file.
#[event("fixture/chain.requested", sent_by = "cli")]
pub(crate) struct ChainRequested {
    /// The directory in which the steps leave their traces.
    pub(crate) directory: PathBuf,
}

/// Takes two steps, then one that waits for the file `go`, then a last one.
#[inngest_fn(id = "fixture-chain", event = ChainRequested)]
async fn fixture_chain(event: Event<ChainRequested>, step: Step) -> Result<u32> {
    let directory = event.data.directory.as_path();
    let first = step.run("first", trace(directory, "first")).await?;
    let second = step.run("second", trace(directory, "second")).await?;
    let held = step.run("held", hold(directory)).await?;
    let last = step.run("last", trace(directory, "last")).await?;
    Ok(first + second + held + last)
}

async fn hold(directory: &Path) -> Result<u32> {
    let count = trace(directory, "held").await?;
    while !directory.join("go").exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(count)
}

async fn trace(directory: &Path, step: &str) -> Result<u32> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(directory.join("trace"))?;
    writeln!(file, "{step}")?;
    Ok(1)
}

/// Something with an amount has happened.
#[event("fixture/order.placed", sent_by = "cli")]
pub(crate) struct OrderPlaced {
    /// How much.
    pub(crate) amount: u32,
}

/// Tells the operator of large orders, and notes them.
#[inngest_fn(id = "fixture-large-order", event(OrderPlaced, if = "event.data.amount > 100"), role = host)]
async fn fixture_large_order(event: Event<OrderPlaced>, step: Step, gateway: Gateway, state: State) -> Result<u32> {
    let amount = event.data.amount;
    let tell = async {
        state.set_add("fixture:orders", amount.to_string()).await?;
        gateway.notify("order.large", amount).await
    };
    step.run("tell", tell).await?;
    Ok(amount)
}

/// A customer was asked.
#[event("fixture/question.asked", sent_by = "cli")]
pub(crate) struct QuestionAsked {
    /// Of whom.
    pub(crate) customer: String,
}

/// A customer has answered.
#[event("fixture/question.answered", sent_by = "cli")]
pub(crate) struct QuestionAnswered {
    /// Who.
    pub(crate) customer: String,
}

/// Waits for the answer for an hour.
#[inngest_fn(id = "fixture-question", event = QuestionAsked, role = cluster)]
async fn fixture_question(event: Event<QuestionAsked>, step: Step) -> Result<bool> {
    let customer = event.data.customer;
    let asked = step.run("ask", async { Ok::<_, Error>(customer) }).await?;
    let answer = step
        .wait_for_event::<QuestionAnswered>("answer")
        .matching("async.data.customer == event.data.customer")
        .timeout(Duration::from_secs(3600))
        .await?;
    Ok(answer.is_some_and(|answer| answer.data.customer == asked))
}

/// A program was asked for.
#[event("fixture/program.requested", sent_by = "cli")]
pub(crate) struct ProgramRequested {
    /// What the shell does.
    pub(crate) script: String,
}

const TOKEN: SecretSource = SecretSource { variables: &["FIXTURE_TOKEN"], lease: Some("fixture_token") };

/// Has a shell do something with a secret.
#[inngest_fn(id = "fixture-program", event = ProgramRequested)]
async fn fixture_program(
    event: Event<ProgramRequested>,
    step: Step,
    processes: Processes,
    secrets: Secrets,
) -> Result<String> {
    let printed = step.run("shell", shell(&event.data.script, &processes, &secrets)).await?;
    Ok(printed)
}

async fn shell(script: &str, processes: &Processes, secrets: &Secrets) -> Result<String> {
    let shell = Invocation::new("bash").args(["-c", script]).env("TOKEN", secrets.get(&TOKEN).await?);
    Ok(processes.run(shell).await?.text()?.to_owned())
}

/// Something that cannot work was asked for.
#[event("fixture/failure.requested", sent_by = "cli")]
pub(crate) struct FailureRequested {}

/// Fails for good.
#[inngest_fn(id = "fixture-disk", event = FailureRequested, on_failure = fixture_disk_failed)]
async fn fixture_disk(step: Step) -> Result<()> {
    step.run("break", async { Err::<(), _>(Error::terminal("the disk \u{1b}[31mis gone")) }).await?;
    Ok(())
}

/// Says why it has failed.
#[failure_handler]
async fn fixture_disk_failed(failure: Failure<FailureRequested>, step: Step, gateway: Gateway) -> Result<String> {
    step.run("tell", gateway.notify("disk.failed", &failure.error.message)).await?;
    Ok(failure.run.to_string())
}

/// A shop sold something.
#[event("fixture/sale.reported")]
pub(crate) struct SaleReported {
    /// The number of the sale.
    pub(crate) number: u64,
}

/// Turns the shop's deliveries into events; one that it cannot read yet becomes readable by a variable, as by a new
/// version of the program.
#[webhook_provider(
    id = "fixture-shop",
    signature(hmac_sha256, header = "x-shop-signature", secret = "FIXTURE_SHOP_SECRET"),
    delivery_id(header = "x-shop-delivery"),
    emits(SaleReported)
)]
fn fixture_shop(delivery: &Delivery<'_>) -> Result<Vec<NewEvent>> {
    #[derive(Deserialize)]
    struct Sale {
        number: Option<u64>,
        #[serde(rename = "numero")]
        later_name: Option<u64>,
    }
    let sale: Sale = delivery.json()?;
    let known = std::env::var_os("FIXTURE_SHOP_VERSION").is_some();
    let number = sale.number.or(sale.later_name.filter(|_| known));
    let number = number.ok_or_else(|| Error::terminal("the sale has no number"))?;
    Ok(vec![NewEvent::new(&SaleReported { number })?.with_id(format!("sale-{number}"))])
}

/// Leaves a line for each sale in the file that the environment names.
#[inngest_fn(id = "fixture-sale", event = SaleReported, retries = 20)]
async fn fixture_sale(event: Event<SaleReported>, step: Step) -> Result<u64> {
    let number = event.data.number;
    Ok(step.run("note", async { Ok::<_, Error>(number) }).await?)
}

/// Nobody is interested.
#[event("fixture/nothing.happened", sent_by = "cli")]
pub(crate) struct NothingHappened {}
