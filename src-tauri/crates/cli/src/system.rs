//! `inbox`, `settings`, `engine` and `insights`.

use headstart_engine::wire::{Insights, NoticeKind, Settings};
use headstart_engine::{Engine, builds, inbox as notices, settings as stored, stack};
use serde_json::Value;

use crate::args;
use crate::error::{Failure, Outcome};
use crate::find;
use crate::out::{Ink, Out};
use crate::text::{self, plain};

pub(crate) fn inbox(out: &Out, engine: &Engine, read: bool) -> Result<Outcome, Failure> {
    let all = notices::list(engine)?;
    if out.json {
        out.value(&all);
    } else if all.is_empty() {
        out.line("nothing has happened yet");
    } else {
        let now = text::now_ms();
        for notice in &all {
            let ink = match notice.kind {
                NoticeKind::Succeeded => Ink::Good,
                NoticeKind::Failed | NoticeKind::TimedOut | NoticeKind::Interrupted => Ink::Bad,
            };
            let new = if notice.read { " " } else { "•" };
            out.line(format!(
                "{} {}  {}",
                out.ink(Ink::Accent, new),
                out.ink(ink, &plain(&notice.title)),
                out.ink(Ink::Faint, &text::age(notice.at, now))
            ));
            let of_build = notice.build.as_ref().map(|build| build.as_str());
            let subject = notice.run.as_deref().or(of_build).unwrap_or_default();
            out.line(format!(
                "    {}  {}",
                plain(&notice.body),
                out.ink(Ink::Faint, subject)
            ));
        }
    }
    if read {
        let ids: Vec<u32> = all.iter().map(|notice| notice.id).collect();
        if !ids.is_empty() {
            notices::mark_read(engine, &ids)?;
        }
    }
    Ok(Outcome::Done)
}

pub(crate) fn settings(out: &Out, engine: &Engine, command: args::Settings) -> Result<Outcome, Failure> {
    let as_value = |settings: &Settings| {
        serde_json::to_value(settings)
            .map_err(|error| Failure::broken(format!("the settings cannot be shown: {error}")))
    };
    let now = as_value(&stored::get(engine)?)?;
    let shown = match command {
        args::Settings::Get { key: None } => now,
        args::Settings::Get { key: Some(key) } => {
            let value = now
                .pointer(&pointer(&key))
                .ok_or_else(|| no_setting(&key, &now))?
                .clone();
            if !out.json {
                out.line(match &value {
                    Value::String(text) => plain(text),
                    other => other.to_string(),
                });
                return Ok(Outcome::Done);
            }
            value
        }
        args::Settings::Set { key, value } => {
            let mut changed = now.clone();
            let place = changed
                .pointer_mut(&pointer(&key))
                .filter(|place| !place.is_object())
                .ok_or_else(|| no_setting(&key, &now))?;
            // Numbers and words are told apart by what stands there now.
            *place = match place {
                Value::String(_) => Value::String(value.clone()),
                _ => serde_json::from_str(&value).unwrap_or(Value::String(value.clone())),
            };
            let wanted: Settings = serde_json::from_value(changed).map_err(|error| {
                Failure::usage(
                    format!("{key} cannot be {}: {error}", plain(&value)),
                    "give another value",
                )
            })?;
            as_value(&stored::set(engine, wanted)?)?
        }
    };
    if out.json {
        out.value(&shown);
    } else {
        for (key, value) in flat(&shown) {
            let value = match value {
                Value::String(text) => plain(&text),
                other => other.to_string(),
            };
            out.line(format!("{key} = {value}"));
        }
    }
    Ok(Outcome::Done)
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1").replace('.', "/"))
}

fn no_setting(key: &str, settings: &Value) -> Failure {
    let names: Vec<String> = flat(settings).into_iter().map(|(name, _)| name).collect();
    Failure::usage(
        format!("there is no setting {}", plain(key)),
        format!("the settings are {}", names.join(", ")),
    )
}

fn flat(settings: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (name, value) in settings.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => all.extend(
                flat(value)
                    .into_iter()
                    .map(|(inner, value)| (format!("{name}.{inner}"), value)),
            ),
            other => all.push((name.clone(), other.clone())),
        }
    }
    all
}

pub(crate) async fn engine(out: &Out, engine: &Engine) -> Result<Outcome, Failure> {
    let status = stack::status(engine).await;
    if out.json {
        out.value(&status);
    } else {
        let word = if status.reachable {
            "reachable"
        } else {
            "not reachable"
        };
        let store = status.containerd_store.map(|containerd| {
            if containerd {
                "yes".to_owned()
            } else {
                "no".to_owned()
            }
        });
        let facts = [
            ("engine", Some(format!("{word} at {}", status.endpoint))),
            ("context", Some(status.context.clone())),
            ("version", status.version.clone()),
            ("platform", status.platform.clone()),
            ("storage", status.storage.clone()),
            ("containerd", store),
            ("buildx", status.buildx.clone()),
            ("builder", status.builder.clone()),
        ];
        for (name, value) in facts {
            if let Some(value) = value {
                out.line(format!(
                    "{}  {}",
                    out.ink(Ink::Faint, &format!("{name:<10}")),
                    plain(&value)
                ));
            }
        }
        if let Some(problem) = &status.problem {
            out.line(out.ink(Ink::Bad, &format!("problem: {}", plain(problem))));
        }
        if let Some(hint) = &status.hint {
            out.line(format!("hint: {}", plain(hint)));
        }
    }
    Ok(if status.reachable && status.buildx.is_some() {
        Outcome::Done
    } else {
        Outcome::Unreachable
    })
}

pub(crate) fn insights(out: &Out, engine: &Engine, of: &args::OfProject) -> Result<Outcome, Failure> {
    let project = match &of.project {
        Some(wanted) => Some(find::named_project(engine, wanted)?.id),
        None => None,
    };
    let found = builds::insights(engine, project.as_ref())?;
    if out.json {
        out.value(&found);
    } else {
        show(out, &found);
    }
    Ok(Outcome::Done)
}

fn show(out: &Out, found: &Insights) {
    out.line(out.ink(Ink::Strong, "time saved"));
    let mut rows = vec![text::heading(["WEEK OF", "BUILDS", "SAVED"])];
    for week in found.weeks.iter().filter(|week| week.builds > 0) {
        let sign = if week.saved_ms < 0 { "-" } else { "" };
        let saved = text::duration(week.saved_ms.unsigned_abs());
        rows.push(vec![
            (text::date(week.week_at), Ink::Plain),
            (week.builds.to_string(), Ink::Plain),
            (format!("{sign}{saved}"), Ink::Plain),
        ]);
    }
    table_or_nothing(out, &rows);
    out.line(out.ink(Ink::Strong, "\nslow steps"));
    let mut rows = vec![text::heading(["MEDIAN", "RAN", "STEP"])];
    for step in &found.slow_steps {
        rows.push(vec![
            (text::duration(step.p50_ms), Ink::Plain),
            (step.runs.to_string(), Ink::Plain),
            (plain(&step.name), Ink::Plain),
        ]);
    }
    table_or_nothing(out, &rows);
    out.line(out.ink(Ink::Strong, "\nwhat breaks reuse"));
    let mut rows = vec![text::heading(["TIMES", "FIELD"])];
    for breaker in &found.breakers {
        rows.push(vec![
            (breaker.times.to_string(), Ink::Plain),
            (plain(&breaker.field), Ink::Plain),
        ]);
    }
    table_or_nothing(out, &rows);
}

fn table_or_nothing(out: &Out, rows: &[Vec<(String, Ink)>]) {
    if rows.len() == 1 {
        out.line(out.ink(Ink::Faint, "not enough data"));
    } else {
        text::table(out, rows);
    }
}
