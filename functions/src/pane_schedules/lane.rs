//! Starts an agent in its lane: the pane that is kept for a brief, so that a schedule that repeats opens one pane and not
//! one each time.
//!
//! | key | holds |
//! | --- | --- |
//! | `pane:beats:lanes:{session}` | hash from the brief's path to the `Lane` |
//!
//! Labels are for people: agents change those of their panes, so a lane is found by its brief, and by the label only when
//! nothing is known of it.

use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::path::Path;

use events::pane_schedule::PaneScheduleRequested;
use system_bus_runtime::prelude::*;

use super::schedule::said;
use crate::clients::herdr::{Agent, Herdr, Pane, Workspace};

/// The workspace that lanes are in.
const WORKSPACE: &str = "[jc] scheduled beats";

/// The pane of the gateway's own agent; nothing else is started in its workspace.
const GATEWAY_PANE: &str = "📨 gateway loop";

/// Bytes of a brief in which its title is looked for.
const BRIEF_BYTES_MAX: u64 = 64 * 1024;

/// Characters of a title that fit on a tab.
const TITLE_MAX: usize = 48;

/// The pane that is kept for a brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lane {
    pane_id: String,
    /// The schedule that an agent was last started for.
    schedule_id: String,
}

/// What came of it.
#[derive(Debug, PartialEq)]
pub(super) enum Spawned {
    /// An agent is at work on the brief.
    Started { pane_id: String, created: bool },
    /// The lane's agent is at work on something else.
    Busy { pane_id: String },
}

/// Where an agent can be started.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// In this pane: there is an agent that has nothing to do.
    Agent(String),
    /// In this pane: there is a shell.
    Shell(String),
    /// Its agent is at work.
    Busy(String),
    /// In a new tab of this workspace, or of a new one.
    Nowhere(Option<String>),
}

/// Starts an agent with the brief at `path`.
pub(super) async fn spawn(entry: &PaneScheduleRequested, path: &str, herdr: &Herdr, state: &State) -> Result<Spawned> {
    let label = format!("⏰ {}", title(path).await?);
    let lanes = format!("pane:beats:lanes:{}", herdr.session());
    // What another program has noted in another form is no lane.
    let lane = match state.hash_get::<Lane>(&lanes, path).await {
        Err(error) if error.is_retryable() => return Err(error),
        lane => lane.ok().flatten(),
    };
    let panes = herdr.panes().await?;
    let (agents, workspaces) = (herdr.agents().await?, herdr.workspaces().await?);
    let place = place(lane.as_ref().map(|lane| lane.pane_id.as_str()), &label, &panes, &agents, &workspaces)?;

    let note = async |pane_id: &str| {
        let lane = Lane { pane_id: pane_id.to_owned(), schedule_id: entry.schedule_id.clone() };
        state.hash_set(&lanes, path, &lane).await
    };
    // The note comes before the start. Should this step be repeated after it, the agent that is at work is ours.
    match place {
        Place::Busy(pane_id) if lane.is_some_and(|lane| lane.schedule_id == entry.schedule_id) => {
            Ok(Spawned::Started { pane_id, created: false })
        }
        Place::Busy(pane_id) => Ok(Spawned::Busy { pane_id }),
        Place::Agent(pane_id) => {
            note(&pane_id).await?;
            herdr.prompt(&pane_id, &prompt(entry, path)).await?;
            Ok(Spawned::Started { pane_id, created: false })
        }
        Place::Shell(pane_id) => {
            note(&pane_id).await?;
            herdr.run_in(&pane_id, &launch(entry, path)).await?;
            Ok(Spawned::Started { pane_id, created: false })
        }
        Place::Nowhere(workspace) => {
            let pane = match workspace {
                Some(workspace) => herdr.open_tab(&workspace, &label).await?,
                None => herdr.open_workspace(WORKSPACE).await?,
            };
            note(&pane.pane_id).await?;
            herdr.rename(&pane.pane_id, &label).await?;
            herdr.run_in(&pane.pane_id, &launch(entry, path)).await?;
            Ok(Spawned::Started { pane_id: pane.pane_id, created: true })
        }
    }
}

fn place(
    known: Option<&str>,
    label: &str,
    panes: &[Pane],
    agents: &[Agent],
    workspaces: &[Workspace],
) -> Result<Place> {
    let is_label = |pane: &Pane, label: &str| pane.label.as_deref().is_some_and(|text| text.trim() == label);
    // By the pane that is in it: ids of workspaces differ from one session to the next.
    let gateways = panes.iter().filter(|pane| is_label(pane, GATEWAY_PANE));
    let gateways: HashSet<&str> = gateways.filter_map(|pane| pane.workspace_id.as_deref()).collect();
    let is_usable = |pane: &&Pane| pane.workspace_id.as_deref().is_none_or(|id| !gateways.contains(id));
    let usable = || panes.iter().filter(is_usable);
    let lane = usable().find(|pane| Some(pane.pane_id.as_str()) == known);
    let Some(pane) = lane.or_else(|| usable().find(|pane| is_label(pane, label))) else {
        let workspace = workspaces.iter().find(|one| one.label.as_deref() == Some(WORKSPACE));
        let workspace = workspace.map(|one| one.workspace_id.as_str());
        if workspace.is_some_and(|id| gateways.contains(id)) {
            return Err(Error::retryable(format!(
                "the workspace `{WORKSPACE}` is the gateway's: move its pane elsewhere"
            )));
        }
        return Ok(Place::Nowhere(workspace.map(str::to_owned)));
    };
    let agent = agents.iter().find(|agent| agent.pane_id.as_deref() == Some(&pane.pane_id));
    let status = agent.and_then(|agent| agent.agent_status.as_deref()).or(pane.agent_status.as_deref());
    let id = pane.pane_id.clone();
    Ok(match status {
        Some("working" | "blocked") => Place::Busy(id),
        Some("idle" | "done") if agent.is_some() => Place::Agent(id),
        _ => Place::Shell(id),
    })
}

/// The title that a brief gives itself, or else the name of its file.
async fn title(path: &str) -> Result<String> {
    let file = path.to_owned();
    let read = move || {
        let mut text = Vec::new();
        std::fs::File::open(file)?.take(BRIEF_BYTES_MAX).read_to_end(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    let text = tokio::task::spawn_blocking(read).await?.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::terminal(format!("there is no brief `{path}`")),
        _ => Error::retryable(format!("the brief `{path}` cannot be read: {error}")),
    })?;
    let stem = Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let title = title_in(&String::from_utf8_lossy(&text)).or(stem).unwrap_or_default();
    let words = title.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(words.chars().take(TITLE_MAX).collect())
}

fn title_in(text: &str) -> Option<String> {
    let after = |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix));
    let title = after("title:").map(|title| title.trim().trim_matches(['"', '\''])).or_else(|| after("# "))?.trim();
    let title = title.strip_prefix("Task:").unwrap_or(title).trim();
    (!title.is_empty()).then(|| title.to_owned())
}

/// What the agent is told.
fn prompt(entry: &PaneScheduleRequested, path: &str) -> String {
    let default = || format!("Schedule {} is due: work through {path} on your own.", entry.schedule_id);
    said(&entry.prompt).map_or_else(default, str::to_owned)
}

/// What the shell is told, to start an agent.
fn launch(entry: &PaneScheduleRequested, path: &str) -> String {
    let directory = Path::new(path).parent().map(|directory| directory.to_string_lossy()).unwrap_or_default();
    format!("cd {} && pi @{} {}", quoted(&directory), quoted(path), quoted(&prompt(entry, path)))
}

/// One word for a POSIX shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use system_bus_runtime::service::{Output, Processes};
    use system_bus_runtime::testing::{MemoryState, ScriptedProcesses};

    use super::super::schedule::tests::spawn as schedule;
    use super::*;
    use crate::environment::Environment;

    const LANES: &str = "pane:beats:lanes:system";

    /// A terminal with these panes, agents and workspaces.
    #[derive(Clone, Default)]
    pub(in crate::pane_schedules) struct Terminal {
        panes: Vec<Value>,
        agents: Vec<Value>,
        workspaces: Vec<Value>,
    }

    impl Terminal {
        /// One pane, whose agent is at work.
        pub(in crate::pane_schedules) fn at_work(pane: &str) -> Self {
            let panes = vec![json!({ "pane_id": pane, "agent_status": "working" })];
            Self { panes, ..Self::default() }
        }

        pub(in crate::pane_schedules) fn script(self) -> ScriptedProcesses {
            ScriptedProcesses::default().answers("herdr", move |invocation| {
                let words: Vec<_> = invocation.arguments().iter().filter_map(|word| word.to_str()).collect();
                let result = match words[2..4] {
                    ["pane", "list"] => json!({ "panes": self.panes }),
                    ["agent", "list"] => json!({ "agents": self.agents }),
                    ["workspace", "list"] => json!({ "workspaces": self.workspaces }),
                    ["workspace", "create"] => json!({ "root_pane": { "pane_id": "w9:p1", "workspace_id": "w9" } }),
                    ["tab", "create"] => json!({ "root_pane": { "pane_id": "w1:p9", "workspace_id": "w1" } }),
                    _ => json!({}),
                };
                Ok(Output::of(json!({ "id": 1, "result": result }).to_string()))
            })
        }
    }

    /// The commands that change something, without the session.
    pub(in crate::pane_schedules) fn commands(script: &ScriptedProcesses) -> Vec<Vec<String>> {
        let invocations = script.invocations();
        let commands = invocations.iter().map(|invocation| {
            let words: Vec<_> = invocation.arguments().iter().map(|word| word.to_string_lossy().into_owned()).collect();
            assert_eq!(words[..2], ["--session", "system"]);
            words[2..].to_vec()
        });
        commands.filter(|words| words[1] != "list").collect()
    }

    /// What became of a brief with this text, in this terminal, with these lanes; the path stands as `BRIEF`.
    async fn check(
        terminal: Terminal,
        lane: Option<Value>,
        text: &str,
    ) -> (Result<Spawned>, Vec<String>, Option<Value>) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("it's daily.md");
        std::fs::write(&file, text).expect("can be written");
        let path = file.to_str().expect("a text");
        let store = MemoryState::default();
        let state = State::new(Arc::new(store.clone()));
        if let Some(lane) = lane {
            state.hash_set(LANES, path, &lane).await.expect("is stored");
        }
        let script = terminal.script();
        let herdr = Herdr::new(Processes::new(script.clone()), &Environment::of::<String, String>([]));
        let spawned = spawn(&schedule("2026-01-31T09:30:00Z", path), path, &herdr, &state).await;
        let (shell, directory) = (path.replace('\'', r"'\''"), directory.path().to_str().expect("a text").to_owned());
        let commands = commands(&script).into_iter().map(|words| {
            words.join(" ").replace(&shell, "BRIEF").replace(path, "BRIEF").replace(&directory, "DIRECTORY")
        });
        let lane = store.value(LANES).and_then(|lanes| lanes.get(path).cloned());
        (spawned, commands.collect(), lane)
    }

    fn started(pane_id: &str, created: bool) -> Spawned {
        Spawned::Started { pane_id: pane_id.to_owned(), created }
    }

    fn lane(pane_id: &str, schedule_id: &str) -> Option<Value> {
        Some(json!({ "paneId": pane_id, "scheduleId": schedule_id }))
    }

    const LAUNCH: &str = "cd 'DIRECTORY' && pi @'BRIEF' 'Schedule s-1 is due: work through BRIEF on your own.'";

    #[tokio::test]
    async fn the_first_agent_gets_a_workspace() {
        let (spawned, commands, noted) = check(Terminal::default(), None, "# Task: Daily  flow\n").await;
        assert_eq!(spawned.expect("is started"), started("w9:p1", true));
        let expected = [
            "workspace create --label [jc] scheduled beats".to_owned(),
            "pane rename w9:p1 ⏰ Daily flow".to_owned(),
            format!("pane run w9:p1 {LAUNCH}"),
        ];
        assert_eq!(commands, expected);
        assert_eq!(noted, lane("w9:p1", "s-1"));
    }

    #[tokio::test]
    async fn further_ones_get_a_tab() {
        let workspaces = vec![json!({ "workspace_id": "w1", "label": "[jc] scheduled beats" })];
        let terminal = Terminal { workspaces, ..Terminal::default() };
        let (spawned, commands, _) = check(terminal, None, "title: \"Daily flow\"\n# Other\n").await;
        assert_eq!(spawned.expect("is started"), started("w1:p9", true));
        assert_eq!(commands[0], "tab create --workspace w1 --label ⏰ Daily flow --no-focus");
    }

    #[tokio::test]
    async fn a_lane_is_used_again_whatever_its_label() {
        let panes = vec![json!({ "pane_id": "w1:p2", "label": "pi: something", "workspace_id": "w1" })];
        let idle = json!({ "pane_id": "w1:p2", "agent_status": "idle" });
        let terminal = Terminal { panes: panes.clone(), agents: vec![idle], ..Terminal::default() };
        let (spawned, commands, noted) = check(terminal, lane("w1:p2", "s-0"), "").await;
        assert_eq!(spawned.expect("is started"), started("w1:p2", false));
        assert_eq!(commands, ["agent prompt w1:p2  Schedule s-1 is due: work through BRIEF on your own."]);
        assert_eq!(noted, lane("w1:p2", "s-1"));
        // The agent has gone and left its shell.
        let terminal = Terminal { panes, ..Terminal::default() };
        let (spawned, commands, _) = check(terminal, lane("w1:p2", "s-0"), "").await;
        assert_eq!(spawned.expect("is started"), started("w1:p2", false));
        assert_eq!(commands, [format!("pane run w1:p2 {LAUNCH}")]);
    }

    #[tokio::test]
    async fn a_lane_of_which_nothing_is_known_is_found_by_its_label() {
        let panes = vec![json!({ "pane_id": "w1:p2", "label": "⏰ Daily flow" })];
        let terminal = Terminal { panes, ..Terminal::default() };
        for noted in [None, Some(json!("w1:p2")), lane("gone", "s-0")] {
            let (spawned, _, _) = check(terminal.clone(), noted, "# Daily flow").await;
            assert_eq!(spawned.expect("is started"), started("w1:p2", false));
        }
    }

    #[tokio::test]
    async fn an_agent_at_work_is_left_alone() {
        for status in ["working", "blocked"] {
            let panes = vec![json!({ "pane_id": "w1:p2", "agent_status": status })];
            let terminal = Terminal { panes, ..Terminal::default() };
            let (spawned, commands, noted) = check(terminal, lane("w1:p2", "s-0"), "").await;
            assert_eq!(spawned.expect("is no error"), Spawned::Busy { pane_id: "w1:p2".to_owned() });
            assert_eq!((commands.len(), noted), (0, lane("w1:p2", "s-0")));
        }
    }

    #[tokio::test]
    async fn an_attempt_finds_the_agent_that_the_one_before_has_started() {
        let panes = vec![json!({ "pane_id": "w1:p2", "agent_status": "working" })];
        let terminal = Terminal { panes, ..Terminal::default() };
        let (spawned, commands, _) = check(terminal, lane("w1:p2", "s-1"), "").await;
        assert_eq!(spawned.expect("is started"), started("w1:p2", false));
        assert!(commands.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_started_beside_the_gateway() {
        let panes = vec![
            json!({ "pane_id": "w1:p1", "label": "📨 gateway loop", "workspace_id": "w1" }),
            json!({ "pane_id": "w1:p2", "label": "⏰ Daily flow", "workspace_id": "w1" }),
        ];
        let terminal = Terminal { panes: panes.clone(), ..Terminal::default() };
        let (spawned, _, _) = check(terminal, lane("w1:p2", "s-0"), "# Daily flow").await;
        assert_eq!(spawned.expect("is started"), started("w9:p1", true));
        let workspaces = vec![json!({ "workspace_id": "w1", "label": "[jc] scheduled beats" })];
        let (spawned, commands, _) = check(Terminal { panes, workspaces, ..Terminal::default() }, None, "").await;
        assert!(spawned.expect_err("is refused").is_retryable() && commands.is_empty());
    }

    #[tokio::test]
    async fn what_the_terminal_prints_must_be_understood() {
        let script = ScriptedProcesses::default().prints("herdr", "{}");
        let herdr = Herdr::new(Processes::new(script), &Environment::of([("HERDR_AUTOMATION_SESSION", " night ")]));
        assert_eq!(herdr.session(), "night");
        let error = herdr.panes().await.expect_err("is not understood");
        assert!(
            error.message().starts_with("what `herdr pane list` prints is not understood: missing field"),
            "{error}"
        );
    }

    #[test]
    fn a_title_is_what_the_brief_says_first() {
        assert_eq!(title_in("---\ntitle: 'Task: Tidy up'\n---\n# Other").as_deref(), Some("Tidy up"));
        assert_eq!(title_in("text\n# Heading \n# Second").as_deref(), Some("Heading"));
        assert_eq!(title_in("## No\ntitle: \n"), None);
    }

    #[test]
    fn a_shell_takes_any_text_as_one_word() {
        assert_eq!(quoted("it's $(rm) `x`"), r"'it'\''s $(rm) `x`'");
    }
}
