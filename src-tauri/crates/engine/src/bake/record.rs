//! Turns progress into the catalogue's steps and the log, as it arrives.

use std::collections::{BTreeSet, HashMap};

use super::log::LogWriter;
use super::progress::{Log, Status, Update, Vertex};
use super::sanitise::sanitise;
use crate::clock::now_ms;
use crate::error::Result;
use crate::recipe::TaskMarks;
use crate::recipe::workspace::tasks::{Said, read_marked};
use crate::wire::{Phase, Step, StepStatus};

/// A task as it went.
struct TaskRun {
    number: u32,
}

/// The state of a build's steps while it runs.
pub(crate) struct Recorder {
    steps: Vec<Step>,
    by_digest: HashMap<String, u32>,
    transfers: HashMap<(u32, String), (i64, i64)>,
    partial: HashMap<(u32, i64), Vec<u8>>,
    marks: Option<TaskMarks>,
    tasks: HashMap<usize, TaskRun>,
    dirty: BTreeSet<u32>,
    log: LogWriter,
}

impl Recorder {
    /// Returns a recorder that writes to a log.
    pub(crate) fn new(log: LogWriter, marks: Option<TaskMarks>) -> Self {
        Self {
            steps: Vec::new(),
            by_digest: HashMap::new(),
            transfers: HashMap::new(),
            partial: HashMap::new(),
            marks,
            tasks: HashMap::new(),
            dirty: BTreeSet::new(),
            log,
        }
    }

    /// Begins a step of our own and returns its number.
    pub(crate) fn begin(&mut self, name: &str, phase: Phase) -> u32 {
        let number = self.add(name.to_owned(), None, phase);
        let step = self.step(number);
        step.status = StepStatus::Running;
        step.started_at = Some(now_ms());
        number
    }

    /// Ends a step of our own.
    pub(crate) fn finish(&mut self, number: u32, error: Option<String>) {
        let at = now_ms();
        let step = self.step(number);
        step.status = if error.is_some() {
            StepStatus::Failed
        } else {
            StepStatus::Done
        };
        step.duration_ms = step.started_at.and_then(|start| u64::try_from(at - start).ok());
        step.error = error;
    }

    /// Starts over after a failure that the build has no part in: what failed or still ran counts as stopped, and what
    /// comes now is new.
    pub(crate) fn begin_again(&mut self) {
        self.close(StepStatus::Cancelled);
        for step in &mut self.steps {
            if step.status == StepStatus::Failed {
                step.status = StepStatus::Cancelled;
                self.dirty.insert(step.number);
            }
        }
        self.by_digest.clear();
        self.transfers.clear();
        self.partial.clear();
        self.tasks.clear();
    }

    /// Writes a line of our own to the log.
    pub(crate) fn note(&mut self, step: u32, text: &str) -> Result<()> {
        text.lines()
            .try_for_each(|line| self.log.line(step, now_ms(), &sanitise(line.as_bytes())))
    }

    /// Takes in one update.
    pub(crate) fn apply(&mut self, update: Update) -> Result<()> {
        update.vertexes.into_iter().for_each(|vertex| self.vertex(vertex));
        update
            .statuses
            .into_iter()
            .for_each(|status| self.status(&status));
        update.logs.into_iter().try_for_each(|log| self.log(log))
    }

    fn add(&mut self, name: String, parent: Option<u32>, phase: Phase) -> u32 {
        let number = u32::try_from(self.steps.len() + 1).unwrap_or(u32::MAX);
        self.steps.push(Step {
            number,
            parent,
            name,
            cached: false,
            started_at: None,
            duration_ms: None,
            status: StepStatus::Pending,
            phase,
            exit_code: None,
            error: None,
            current_bytes: None,
            total_bytes: None,
        });
        self.dirty.insert(number);
        number
    }

    fn step(&mut self, number: u32) -> &mut Step {
        self.dirty.insert(number);
        &mut self.steps[number as usize - 1]
    }

    fn vertex(&mut self, vertex: Vertex) {
        let number = match self.by_digest.get(&vertex.digest) {
            Some(number) => *number,
            None => {
                let name = sanitise(vertex.name.as_bytes());
                let number = self.add(shown_name(&name), None, phase_of(&name));
                self.by_digest.insert(vertex.digest.clone(), number);
                number
            }
        };
        let step = self.step(number);
        step.cached |= vertex.cached;
        // A step may start more than once (it is resolved, then run): the first start and the last end count.
        step.started_at = [step.started_at, vertex.started].into_iter().flatten().min();
        match (vertex.completed, vertex.error.is_empty()) {
            (Some(end), good) => {
                step.duration_ms = step.started_at.and_then(|start| u64::try_from(end - start).ok());
                let stopped = vertex.error.contains("context canceled") || vertex.error.ends_with("CANCELED");
                // A cache that nobody has written yet is no failure.
                let none_yet = step.phase == Phase::CacheImport && is_missing(&vertex.error);
                step.status = match (good || none_yet, stopped) {
                    (true, _) => StepStatus::Done,
                    (false, true) => StepStatus::Cancelled,
                    (false, false) => StepStatus::Failed,
                };
                if none_yet && !step.name.ends_with(NONE_YET) {
                    step.name.push_str(NONE_YET);
                }
                if !good && !none_yet {
                    step.error = Some(sanitise(vertex.error.as_bytes()));
                }
            }
            (None, _) if vertex.started.is_some() => {
                step.status = StepStatus::Running;
                step.duration_ms = None;
            }
            (None, _) => {}
        }
        if vertex.completed.is_some() {
            self.flush_partial(number);
        }
    }

    fn status(&mut self, status: &Status) {
        let Some(number) = self.by_digest.get(&status.vertex).copied() else {
            return;
        };
        if status.current <= 0 && status.total <= 0 {
            return;
        }
        self.transfers
            .insert((number, status.id.clone()), (status.current, status.total));
        let of_step = self
            .transfers
            .iter()
            .filter(|((step, _), _)| *step == number)
            .map(|(_, progress)| *progress);
        let (current, total) = of_step.fold((0, 0), |sum, (current, total)| {
            (sum.0 + current, sum.1 + total.max(current))
        });
        let step = self.step(number);
        step.current_bytes = u64::try_from(current).ok();
        step.total_bytes = u64::try_from(total).ok();
    }

    fn log(&mut self, log: Log) -> Result<()> {
        let Some(number) = self.by_digest.get(&log.vertex).copied() else {
            return Ok(());
        };
        let at = log.timestamp.unwrap_or_else(now_ms);
        let mut bytes = self.partial.remove(&(number, log.stream)).unwrap_or_default();
        bytes.extend_from_slice(&log.data);
        let mut rest = bytes.as_slice();
        while let Some(newline) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(newline);
            self.line(number, at, line)?;
            rest = &after[1..];
        }
        // An endless line would otherwise collect in memory.
        if rest.len() > 64 * 1024 {
            self.line(number, at, rest)?;
            rest = &[];
        }
        if !rest.is_empty() {
            self.partial.insert((number, log.stream), rest.to_vec());
        }
        Ok(())
    }

    fn flush_partial(&mut self, number: u32) {
        let keys: Vec<_> = self
            .partial
            .keys()
            .filter(|(step, _)| *step == number)
            .copied()
            .collect();
        for key in keys {
            if let Some(line) = self.partial.remove(&key) {
                // A full disk shows at the next line; the end of a step is not the place to fail.
                drop(self.line(number, now_ms(), &line));
            }
        }
    }

    fn line(&mut self, vertex: u32, at: i64, line: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(line).into_owned();
        let Some(marks) = self.marks.clone() else {
            return self.log.line(vertex, at, &sanitise(line));
        };
        match read_marked(&marks.mark, &text) {
            None => self.log.line(vertex, at, &sanitise(line)),
            Some(said) => self.said(&marks, vertex, at, said),
        }
    }

    fn said(&mut self, marks: &TaskMarks, vertex: u32, at: i64, said: Said<'_>) -> Result<()> {
        let (Said::Began(index) | Said::Line(index, _) | Said::Ended(index, _)) = said;
        let Some(name) = marks.names.get(index) else {
            return Ok(());
        };
        let number = match self.tasks.get(&index) {
            Some(task) => task.number,
            None => {
                let number = self.add(name.clone(), Some(vertex), Phase::Steps);
                let step = self.step(number);
                step.status = StepStatus::Running;
                step.started_at = Some(at);
                self.tasks.insert(index, TaskRun { number });
                number
            }
        };
        match said {
            Said::Began(_) => Ok(()),
            Said::Line(_, text) => self.log.line(number, at, &sanitise(text.as_bytes())),
            Said::Ended(_, code) => {
                let step = self.step(number);
                step.duration_ms = step.started_at.and_then(|start| u64::try_from(at - start).ok());
                step.exit_code = Some(code);
                step.status = if code == 0 {
                    StepStatus::Done
                } else {
                    StepStatus::Failed
                };
                if code != 0 {
                    step.error = Some(format!("exited with {code}"));
                }
                Ok(())
            }
        }
    }

    /// Returns the steps that changed since the last call, after making the log visible.
    pub(crate) fn take_changes(&mut self) -> Result<Vec<Step>> {
        self.log.flush()?;
        let numbers = std::mem::take(&mut self.dirty);
        Ok(numbers
            .into_iter()
            .map(|number| self.steps[number as usize - 1].clone())
            .collect())
    }

    /// Ends what is still running, with the whole build.
    pub(crate) fn close(&mut self, status: StepStatus) {
        let at = now_ms();
        let running: Vec<u32> = self
            .steps
            .iter()
            .filter(|step| step.status == StepStatus::Running)
            .map(|step| step.number)
            .collect();
        for number in running {
            self.flush_partial(number);
            let step = self.step(number);
            step.status = status;
            step.duration_ms = step.started_at.and_then(|start| u64::try_from(at - start).ok());
        }
    }

    /// Returns all steps.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Returns a vertex name for people: without the stage's name, without mounts and digests, which say nothing new.
fn shown_name(name: &str) -> String {
    let name = name.replacen("[workspace ", "[", 1).replacen("[stage-0 ", "[", 1);
    let words: Vec<&str> = name
        .split(' ')
        .filter(|word| !word.starts_with("--mount="))
        .map(|word| word.split_once("@sha256:").map_or(word, |(image, _)| image))
        .collect();
    words.join(" ")
}

/// What is said behind the name of a cache that is not there.
const NONE_YET: &str = ": none yet";

fn is_missing(error: &str) -> bool {
    ["not found", "manifest unknown", "name unknown"]
        .iter()
        .any(|words| error.contains(words))
}

fn phase_of(name: &str) -> Phase {
    // With several targets a vertex begins with its target's name.
    let name = match name.split_once("] ") {
        Some((target, rest)) if target.starts_with('[') && !target.contains('/') => rest,
        _ => name,
    };
    let has = |text: &str| name.contains(text);
    if has("importing cache") {
        Phase::CacheImport
    } else if name.starts_with("pushing") {
        Phase::Push
    } else if name.starts_with("exporting") {
        Phase::Export
    } else if has("load build context")
        || has("load from client")
        || name.starts_with("[context ")
        || has(" context ") && has("load")
    {
        Phase::Context
    } else if has("internal]") || has("] FROM ") || name.starts_with("resolve image") {
        Phase::Resolve
    } else {
        Phase::Steps
    }
}

#[cfg(test)]
mod tests {
    use super::super::progress::Decoder;
    use super::*;

    fn record(stream: &str, marks: Option<TaskMarks>) -> (Vec<Step>, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut recorder = Recorder::new(LogWriter::create(&path, 1_767_323_045_000).unwrap(), marks);
        for update in Decoder::default().push(stream.as_bytes()) {
            recorder.apply(update).unwrap();
        }
        recorder.take_changes().unwrap();
        (recorder.steps().to_vec(), std::fs::read_to_string(&path).unwrap())
    }

    fn b64(text: &str) -> String {
        data_encoding::BASE64.encode(text.as_bytes())
    }

    #[test]
    fn steps_and_lines_come_out_of_a_stream() {
        let log = b64("one\ntw");
        let more = b64("o\n");
        let stream = format!(
            r#"{{"vertexes":[{{"digest":"a","name":"[workspace 2/3] COPY --from=source [/, /w/]","started":"2026-01-02T03:04:05Z"}}]}}
            {{"vertexes":[{{"digest":"b","name":"[workspace 1/3] FROM x","started":"2026-01-02T03:04:05Z","completed":"2026-01-02T03:04:05.5Z","cached":true}}]}}
            {{"logs":[{{"vertex":"a","stream":1,"data":"{log}","timestamp":"2026-01-02T03:04:06Z"}}]}}
            {{"logs":[{{"vertex":"a","stream":1,"data":"{more}","timestamp":"2026-01-02T03:04:07Z"}}]}}
            {{"vertexes":[{{"digest":"a","name":"x","started":"2026-01-02T03:04:05Z","completed":"2026-01-02T03:04:08Z","error":"exit code: 2"}}]}}"#
        );
        let (steps, log) = record(&stream, None);
        assert_eq!(log, "#1 1.000 one\n#1 2.000 two\n");
        assert_eq!(
            (steps[0].status, steps[0].duration_ms),
            (StepStatus::Failed, Some(3_000))
        );
        assert_eq!((steps[1].cached, steps[1].phase), (true, Phase::Resolve));
        assert_eq!(steps[0].name, "[2/3] COPY --from=source [/, /w/]");
    }

    #[test]
    fn tasks_are_steps_of_their_own_with_exit_codes() {
        let log = b64("@@k 0 : @@k 0 +\n@@k 1 : @@k 1 +\n@@k 0 : hello\n@@k 1 = 3\n@@k 0 = 0\nplain\n");
        let stream = format!(
            r#"{{"vertexes":[{{"digest":"a","name":"[3/3] RUN sh run.sh","started":"2026-01-02T03:04:05Z"}}]}}
            {{"logs":[{{"vertex":"a","stream":1,"data":"{log}","timestamp":"2026-01-02T03:04:06Z"}}]}}"#
        );
        let marks = TaskMarks {
            mark: "k".into(),
            names: vec!["app".into(), "db".into()],
        };
        let (steps, log) = record(&stream, Some(marks));
        let seen: Vec<_> = steps
            .iter()
            .map(|step| (step.name.as_str(), step.parent, step.exit_code))
            .collect();
        assert_eq!(seen[1..], [("app", Some(1), Some(0)), ("db", Some(1), Some(3))]);
        assert_eq!(log, "#2 1.000 hello\n#1 1.000 plain\n");
    }
}
