//! What a user sees: commands, reports, messages, documents, results files; and the house itself.

mod architecture;
mod boards;
mod check;
mod cli_run;
mod compare;
mod figures;
mod golden;
mod import;
mod import_kinds;
mod mig_cli;
mod not_toml;
mod objectives;
mod own_policy;
mod recipes;
mod report;
mod results_folder;
mod results_schema;
mod scenario_documents;
mod scenario_errors;
mod set;
mod statistics;
mod store;
mod synthetic;
mod traces;
