//! Desktop notifications, made from the inbox: whoever ran the build, and only what the settings ask for.

use headstart_engine::wire::{Notice, NoticeKind, NotificationSettings};
use headstart_engine::{Engine, inbox, settings};
use notify_rust::{Notification, Urgency};
use tauri::{AppHandle, Manager};
use tauri_specta::Event;

use crate::events::{OpenBuild, OpenJob, OpenRun};
use crate::lifecycle;

/// Watches the inbox and shows what is new.
pub(crate) fn start(app: AppHandle, engine: Engine) {
    tauri::async_runtime::spawn(async move {
        let mut seen = inbox::last(&engine).unwrap_or(0);
        loop {
            let notices = inbox::after(&engine, seen).unwrap_or_default();
            for notice in notices {
                seen = seen.max(notice.id);
                let wanted = settings::get(&engine).unwrap_or_default().notifications;
                if is_wanted(&wanted, &notice, is_focused(&app), hour_of_day()) {
                    show(app.clone(), notice);
                }
            }
            if engine.changed().await.is_err() {
                return;
            }
        }
    });
}

fn is_focused(app: &AppHandle) -> bool {
    let window = app.get_webview_window("main");
    window.is_some_and(|window| window.is_focused().unwrap_or(false) && window.is_visible().unwrap_or(false))
}

fn hour_of_day() -> u8 {
    u8::try_from(jiff::Zoned::now().hour()).unwrap_or(0)
}

/// Returns whether a notice is to be shown: long builds always, short ones only when the user looks elsewhere.
fn is_wanted(settings: &NotificationSettings, notice: &Notice, focused: bool, hour: u8) -> bool {
    let quiet = match (settings.quiet_from, settings.quiet_to) {
        (Some(from), Some(to)) if from <= to => (from..to).contains(&hour),
        (Some(from), Some(to)) => hour >= from || hour < to,
        _ => false,
    };
    let long = notice.duration_ms >= u64::from(settings.focused_threshold_s) * 1000;
    let kind = !settings.failures_only || notice.kind != NoticeKind::Succeeded;
    settings.enabled && kind && !quiet && (!focused || long)
}

/// Shows a notification; a click on it brings the build to the front.
fn show(app: AppHandle, notice: Notice) {
    let spawned = std::thread::Builder::new()
        .name("notification".to_owned())
        .spawn(move || {
            let mut notification = Notification::new();
            // The body may be read as markup: what stands in it comes from repositories.
            let body = notice
                .body
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;");
            notification
                .appname("Headstart")
                .summary(&notice.title)
                .body(&body)
                .icon("headstart");
            if notice.kind != NoticeKind::Succeeded {
                notification.urgency(Urgency::Critical);
            }
            notification.action("default", "Open").action("open", "Open it");
            let handle = match notification.show() {
                Ok(handle) => handle,
                Err(error) => {
                    tracing::warn!(%error, "the notification could not be shown; the inbox has it");
                    return;
                }
            };
            handle.wait_for_action(|action| {
                if action == "default" || action == "open" {
                    lifecycle::show(&app);
                    drop(match (&notice.job, &notice.run, &notice.build) {
                        (Some(job), _, _) => OpenJob { job: job.clone() }.emit(&app),
                        (None, Some(run), _) => OpenRun { run: run.clone() }.emit(&app),
                        (None, None, Some(build)) => OpenBuild { build: build.clone() }.emit(&app),
                        (None, None, None) => Ok(()),
                    });
                }
            });
        });
    if let Err(error) = spawned {
        tracing::warn!(%error, "the notification could not be shown; the inbox has it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(kind: NoticeKind, duration_ms: u64) -> Notice {
        Notice {
            id: 1,
            build: Some("b".into()),
            run: None,
            job: None,
            project: Some("p".into()),
            kind,
            title: String::new(),
            body: String::new(),
            at: 0,
            duration_ms,
            read: false,
        }
    }

    #[test]
    fn short_builds_are_told_only_to_those_who_look_elsewhere() {
        let settings = NotificationSettings::default();
        let short = notice(NoticeKind::Succeeded, 5_000);
        assert!(is_wanted(&settings, &short, false, 12));
        assert!(!is_wanted(&settings, &short, true, 12));
        assert!(is_wanted(
            &settings,
            &notice(NoticeKind::Succeeded, 61_000),
            true,
            12
        ));
    }

    #[test]
    fn quiet_hours_may_pass_midnight_and_failures_can_be_the_only_ones() {
        let quiet = NotificationSettings {
            quiet_from: Some(22),
            quiet_to: Some(7),
            ..Default::default()
        };
        let good = notice(NoticeKind::Succeeded, 5_000);
        let shown: Vec<bool> = [21, 22, 3, 7]
            .map(|hour| is_wanted(&quiet, &good, false, hour))
            .to_vec();
        assert_eq!(shown, [true, false, false, true]);
        let failures = NotificationSettings {
            failures_only: true,
            ..Default::default()
        };
        assert!(!is_wanted(&failures, &good, false, 12));
        assert!(is_wanted(&failures, &notice(NoticeKind::Failed, 1), false, 12));
    }
}
