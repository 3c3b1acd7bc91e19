//! The command line: one command, one file. Exit status 0 is good, 1 failed, 2 wrong use.

mod cancel;
mod context;
mod events;
mod failure;
mod functions;
mod inbox;
mod manifest;
mod notifications;
mod plan;
mod refresh;
mod run;
mod runs;
mod schema;
mod send;
mod serve;
mod show;
mod sleep;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::application::Application;
use context::Context;
use failure::Failure;

/// An event-driven worker: durable functions, webhooks and their history in one binary.
#[derive(Parser)]
#[command(name = "system-bus", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print one JSON document on stdout.
    #[arg(long, global = true)]
    json: bool,
    /// The worker to talk to, or the server when INNGEST_* names one [default: what the environment says].
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
}

const AFTER_HELP: &str = "\
Examples:
  system-bus                        start the worker on http://127.0.0.1:3111
  system-bus events                 which events there are
  system-bus send NAME --data '{}'  send one
  system-bus why EVENT_ID           what became of it
  system-bus runs                   what has run
  system-bus inbox                  what vendors have delivered

Environment:
  HOST, PORT                              where the worker listens (127.0.0.1, 3111)
  REDIS_URL                               where functions keep their state (in SYSTEM_BUS_DATA)
  SYSTEM_BUS_DATA                         where it keeps its state (.system-bus)
  TRUSTED_PROXY_HOPS                      proxies before it whose X-Forwarded-For counts (0)
  WORKER_ROLE                             which functions it runs: host or cluster (all)
  INNGEST_EVENT_KEY, INNGEST_SIGNING_KEY  who may use it; needed beyond 127.0.0.1
  INNGEST_DEV, INNGEST_BASE_URL           the Inngest server to work for and to ask (none)
  RUST_LOG                                what is logged on stderr (info)
  NO_COLOR                                no colours";

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Functions(functions::Functions),
    Events(events::Events),
    Send(send::Send),
    Runs(runs::Runs),
    Run(run::Run),
    Why(why::Why),
    Cancel(cancel::Cancel),
    Notifications(notifications::Notifications),
    Inbox(inbox::Inbox),
    Sleep(sleep::Sleep),
    Wake(sleep::Wake),
    Refresh(refresh::Refresh),
    Manifest(manifest::ShowManifest),
    Schema(schema::Schema),
}

/// Runs the command that `arguments` (the program's name first) ask for.
pub fn main(application: Application, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be done when the terminal has gone away.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let context = Context::new(application, arguments.json, arguments.url);
    let outcome = match arguments.command {
        None => serve::Serve {}.run(&context),
        Some(Command::Serve(command)) => command.run(&context),
        Some(Command::Functions(command)) => command.run(&context),
        Some(Command::Events(command)) => command.run(&context),
        Some(Command::Send(command)) => command.run(&context),
        Some(Command::Runs(command)) => command.run(&context),
        Some(Command::Run(command)) => command.run(&context),
        Some(Command::Why(command)) => command.run(&context),
        Some(Command::Cancel(command)) => command.run(&context),
        Some(Command::Notifications(command)) => command.run(&context),
        Some(Command::Inbox(command)) => command.run(&context),
        Some(Command::Sleep(command)) => command.run(&context),
        Some(Command::Wake(command)) => command.run(&context),
        Some(Command::Refresh(command)) => command.run(&context),
        Some(Command::Manifest(command)) => command.run(&context),
        Some(Command::Schema(command)) => command.run(&context),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => context.fail(&failure),
    }
}

/// An answer as a type.
fn decode<T: DeserializeOwned>(answer: &RawValue) -> Result<T, Failure> {
    serde_json::from_str(answer.get())
        .map_err(|error| Failure::failed(format!("the answer cannot be read, it may be of another version: {error}")))
}
