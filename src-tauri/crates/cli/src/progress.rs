//! A build as it happens, for people: one line for each step that ended and each line of a log, and on a terminal a last
//! line that says what is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use headstart_engine::wire::{Build, BuildEvent, BuildStatus, Decision, LogLine, Phase, Step, StepStatus};
use headstart_engine::{Engine, builds};

use crate::out::{Ink, Out};
use crate::text::{self, plain, short};

/// Shows events as text or as JSON lines.
pub(crate) struct Progress<'a> {
    out: &'a Out,
    engine: &'a Engine,
    build: Option<Build>,
    steps: BTreeMap<u32, Step>,
    told: BTreeSet<u32>,
    /// Steps that ended; they are told after the lines they wrote.
    ended: Vec<u32>,
    status_shown: bool,
    said_waiting: bool,
    cancelling: bool,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(out: &'a Out, engine: &'a Engine) -> Self {
        Self {
            out,
            engine,
            build: None,
            steps: BTreeMap::new(),
            told: BTreeSet::new(),
            ended: Vec::new(),
            status_shown: false,
            said_waiting: false,
            cancelling: false,
        }
    }

    /// Shows one event.
    pub(crate) fn apply(&mut self, event: BuildEvent) {
        if self.out.json {
            self.out.json_line(&event);
            if let BuildEvent::Finished { build } = event {
                self.build = Some(build);
            }
            return;
        }
        if !matches!(event, BuildEvent::Log { .. }) {
            self.tell_ended();
        }
        match event {
            BuildEvent::Snapshot { build, .. } => self.begin(build),
            BuildEvent::Changed { build } => {
                if self.said_waiting && build.status == BuildStatus::Running {
                    self.said_waiting = false;
                    self.line("its turn has come");
                }
                self.build = Some(build);
            }
            BuildEvent::Steps { steps } => self.note(steps),
            BuildEvent::Log { lines } => {
                for line in lines {
                    self.log(&line);
                }
            }
            BuildEvent::Finished { build } => {
                self.note(build.steps.clone());
                self.tell_ended();
                self.clear_status();
                self.finish(&build);
                self.build = Some(build);
                return;
            }
        }
        self.draw_status();
    }

    /// Tells what ended, and refreshes the last line.
    pub(crate) fn tick(&mut self) {
        if self.out.json {
            return;
        }
        self.tell_ended();
        let is_queued =
            |build: &Build| build.status == BuildStatus::Queued && build.created_at + 300 < text::now_ms();
        if !self.said_waiting && self.build.as_ref().is_some_and(is_queued) {
            self.said_waiting = true;
            self.line("waiting for its turn: other builds are under way");
        }
        self.draw_status();
    }

    /// Says that the build is being cancelled.
    pub(crate) fn cancelling(&mut self) {
        self.cancelling = true;
        if !self.out.json {
            self.line("cancelling");
        }
    }

    /// Returns the build as it ended.
    pub(crate) fn into_build(self) -> Option<Build> {
        self.build
    }

    fn begin(&mut self, build: Build) {
        let branch = build
            .branch
            .as_deref()
            .map(|branch| format!(" ({})", plain(branch)));
        let dirty = if build.dirty {
            ", with uncommitted changes"
        } else {
            ""
        };
        self.line(&format!(
            "{} build {} of {} at {}{}{dirty}",
            text::decision(build.decision),
            build.id,
            plain(&build.project_name),
            short(&build.commit),
            branch.unwrap_or_default()
        ));
        let expected = build
            .expected_ms
            .map(|expected| format!("; about {} expected", text::duration(expected)));
        self.line(&format!(
            "{}{}",
            plain(&build.reason),
            expected.unwrap_or_default()
        ));
        for warning in &build.warnings {
            let warning = self.out.ink(Ink::Warn, &format!("warning: {}", plain(warning)));
            self.line(&warning);
        }
        if !build.status.is_final() {
            // Somebody else began: what was said until now belongs here too.
            let names = |step: &Step| (step.number, step.clone());
            self.steps = build.steps.iter().map(names).collect();
            self.earlier_lines(&build);
        }
        self.note(build.steps.clone());
        self.build = Some(build);
    }

    fn earlier_lines(&mut self, build: &Build) {
        let mut from = 0;
        while from < build.log_lines {
            let count = (build.log_lines - from).min(5_000);
            let Ok(page) = builds::read_log(self.engine, &build.id, None, from, count) else {
                return;
            };
            if page.lines.is_empty() {
                return;
            }
            from += u32::try_from(page.lines.len()).unwrap_or(u32::MAX);
            for line in &page.lines {
                self.log(line);
            }
        }
    }

    fn note(&mut self, steps: Vec<Step>) {
        for step in steps {
            let over = matches!(
                step.status,
                StepStatus::Done | StepStatus::Failed | StepStatus::Cancelled
            );
            if over && self.told.insert(step.number) {
                self.ended.push(step.number);
            }
            self.steps.insert(step.number, step);
        }
    }

    fn tell_ended(&mut self) {
        for number in std::mem::take(&mut self.ended) {
            if let Some(step) = self.steps.get(&number).filter(|step| !is_housekeeping(step)) {
                let line = step_line(self.out, step);
                self.line(&line);
            }
        }
    }

    fn log(&mut self, line: &LogLine) {
        // Headstart's own notes are for the log; what matters of them is said here anyway.
        let Some(step) = self.steps.get(&line.step).filter(|_| line.step != 0) else {
            return;
        };
        let from = match step.parent {
            Some(_) => plain(&step.name),
            None => format!("#{}", line.step),
        };
        let line = format!(
            "  {} {}",
            self.out.ink(Ink::Faint, &format!("{from} │")),
            self.out.log(&line.text)
        );
        self.line(&line);
    }

    fn finish(&self, build: &Build) {
        let (word, ink) = text::status(build.status);
        let mut line = self.out.ink(ink, &word);
        if let Some(duration) = build.duration_ms {
            let _ = write!(line, " in {}", text::duration(duration));
        }
        if let Some(saved) = saved(build) {
            let _ = write!(line, ", {saved}");
        }
        if let Some(error) = &build.error {
            let _ = write!(line, ": {}", plain(error));
        }
        self.out.line(line);
        for image in &build.images {
            let bytes = image.bytes.map(|bytes| format!("  {}", text::bytes(bytes)));
            self.out
                .line(format!("{}{}", image.reference, bytes.unwrap_or_default()));
        }
        if build.status == BuildStatus::Failed {
            let step = build.failed_step_number.map(|number| format!(" --step {number}"));
            self.out.line(format!(
                "log: headstart builds logs {}{}",
                build.id,
                step.unwrap_or_default()
            ));
        }
    }

    fn line(&mut self, text: &str) {
        self.clear_status();
        self.out.line(text);
    }

    fn clear_status(&mut self) {
        if self.status_shown {
            self.out.raw("\r\x1b[2K");
            self.status_shown = false;
        }
    }

    fn draw_status(&mut self) {
        let (Some(columns), Some(build)) = (self.out.columns(), &self.build) else {
            return;
        };
        if build.status.is_final() {
            return;
        }
        let now = text::now_ms();
        let since = |at: i64| text::duration(u64::try_from(now - at).unwrap_or(0));
        let mut line = match (self.cancelling, build.started_at) {
            (true, _) => "cancelling".to_owned(),
            (false, None) => "waiting for its turn".to_owned(),
            (false, Some(at)) => since(at),
        };
        if let Some(expected) = build.expected_ms.filter(|_| !self.cancelling) {
            let _ = write!(line, " of about {}", text::duration(expected));
        }
        let parents: BTreeSet<u32> = self.steps.values().filter_map(|step| step.parent).collect();
        let running = self
            .steps
            .values()
            .filter(|step| step.status == StepStatus::Running && !parents.contains(&step.number));
        for step in running {
            let _ = write!(line, " · {}", plain(&step.name));
            if let (Some(current), Some(total)) =
                (step.current_bytes, step.total_bytes.filter(|total| *total > 0))
            {
                let _ = write!(line, " {}/{}", text::bytes(current), text::bytes(total));
            } else if let Some(at) = step.started_at {
                let _ = write!(line, " {}", since(at));
            }
        }
        let line = self.out.ink(Ink::Accent, &text::cut(&line, columns - 1));
        self.out.raw(&format!("\r\x1b[2K{line}"));
        self.status_shown = true;
    }
}

/// Returns whether a step is BuildKit's own and was done in no time.
fn is_housekeeping(step: &Step) -> bool {
    matches!(step.phase, Phase::Context | Phase::Resolve)
        && step.status == StepStatus::Done
        && step.duration_ms.is_none_or(|duration| duration < 500)
}

/// Returns a step that ended in one line.
pub(crate) fn step_line(out: &Out, step: &Step) -> String {
    let (mark, ink) = match step.status {
        StepStatus::Done => ("✓", Ink::Good),
        StepStatus::Failed => ("✕", Ink::Bad),
        StepStatus::Cancelled => ("⊘", Ink::Warn),
        StepStatus::Running => ("◌", Ink::Accent),
        StepStatus::Pending => ("·", Ink::Faint),
    };
    let indent = if step.parent.is_some() { "  " } else { "" };
    let mut line = format!("{indent}{} {}", out.ink(ink, mark), plain(&step.name));
    if step.cached {
        line += &out.ink(Ink::Faint, "  cached");
    } else if let Some(duration) = step.duration_ms {
        line += &out.ink(Ink::Faint, &format!("  {}", text::duration(duration)));
    }
    if let Some(code) = step.exit_code.filter(|code| *code != 0) {
        line += &out.ink(Ink::Bad, &format!("  exited with {code}"));
    }
    line
}

/// Returns what a build saved or cost against a full one.
pub(crate) fn saved(build: &Build) -> Option<String> {
    let saved = build
        .saved_ms
        .filter(|_| build.decision == Decision::Incremental)?;
    let words = text::duration(saved.unsigned_abs());
    Some(if saved >= 0 {
        format!("{words} saved")
    } else {
        format!("{words} longer than a full build")
    })
}
