//! The commands and events the page can use; its TypeScript bindings are made from this list.

use tauri_specta::{Builder, collect_commands, collect_events};

use crate::commands::{
    builders, builds, compose, data, datums, history, pipelines, projects, runs, stacks, system,
};
use crate::events::{CatalogueChanged, OpenBuild, OpenJob, OpenRun};

/// Returns all commands and events.
pub(crate) fn builder() -> Builder<tauri::Wry> {
    Builder::new()
        // What is read and what is written have one shape, and so one type.
        .disable_serde_phases()
        .commands(collect_commands![
            projects::list_projects,
            projects::preview_path,
            projects::add_project,
            projects::remove_project,
            projects::open_project_folder,
            history::graph_page,
            history::commit_states,
            history::search_commits,
            history::commit_detail,
            history::changed_files,
            history::list_refs,
            history::plan_commit,
            builds::start_build,
            builds::watch_build,
            builds::cancel_build,
            builds::get_build,
            builds::list_builds,
            builds::read_log,
            builds::search_log,
            builds::open_log,
            builds::delete_plan,
            builds::delete_builds,
            builds::pin_build,
            builds::diff_builds,
            builds::get_insights,
            runs::list_runs,
            runs::open_shell,
            runs::write_shell,
            runs::resize_shell,
            runs::stop_run,
            runs::image_detail,
            builders::list_builders,
            builders::create_builder,
            builders::select_builder,
            builders::bootstrap_builder,
            builders::remove_builder,
            builders::builder_usage,
            builders::prune_builder,
            compose::compose_files,
            compose::start_deploy,
            compose::watch_deploy,
            compose::cancel_deploy,
            compose::list_deploys,
            compose::list_deployments,
            compose::take_down,
            compose::service_log,
            compose::close_log,
            compose::open_port,
            pipelines::start_pipeline_run,
            pipelines::watch_pipeline_run,
            pipelines::cancel_pipeline_run,
            pipelines::get_pipeline_run,
            pipelines::list_pipeline_runs,
            pipelines::read_run_log,
            pipelines::delete_pipeline_run,
            pipelines::list_code_repositories,
            pipelines::save_code_repository,
            pipelines::remove_code_repository,
            pipelines::checkout_state,
            pipelines::sync_builds,
            data::list_data_repos,
            data::get_data_repo,
            data::create_data_repo,
            data::delete_data_repo,
            data::create_data_branch,
            data::delete_data_branch,
            data::list_data_commits,
            data::list_data_entries,
            data::preview_data_file,
            data::put_data_files,
            data::diff_data_commits,
            data::export_data,
            data::sweep_data,
            datums::plan_submission,
            datums::submit_pipelines,
            datums::list_datum_pipelines,
            datums::get_datum_pipeline,
            datums::delete_datum_pipeline,
            datums::stop_datum_pipeline,
            datums::tick_datum_pipeline,
            datums::process_data,
            datums::list_jobs,
            datums::get_job,
            datums::watch_job,
            datums::cancel_job,
            datums::retry_job,
            datums::list_datums,
            datums::read_job_log,
            datums::new_code_builder,
            stacks::list_stacks,
            stacks::save_stack,
            stacks::remove_stack,
            stacks::use_stack,
            stacks::check_stack,
            system::engine_status,
            system::get_settings,
            system::set_settings,
            system::list_notices,
            system::mark_read,
        ])
        .events(collect_events![CatalogueChanged, OpenBuild, OpenJob, OpenRun])
}

#[cfg(test)]
mod tests {
    /// Writes the bindings; a check that they are committed as written follows in `make check`.
    #[test]
    fn bindings_are_generated() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/lib/ipc/bindings.ts");
        super::builder()
            .export(specta_typescript::Typescript::default(), path)
            .unwrap();
        assert!(
            std::fs::read_to_string(path).unwrap().contains("startBuild"),
            "commands are exported"
        );
    }
}
