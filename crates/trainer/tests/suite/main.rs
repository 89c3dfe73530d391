//! The trainer on small synthetic data sets, with the real runtime.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod augmented;
mod commands;
mod cric;
mod crops;
mod cross_fitting;
mod default_bundle;
mod features;
mod fine_tuned_model;
mod finetune;
mod finetune_command;
mod finetune_views;
mod from_the_paper;
mod graphs;
mod kept_results;
mod labels;
mod layouts;
mod learning;
mod lite0;
mod losses;
mod paper_preset;
mod resnet;
mod splits;
mod statistics;
mod step_commands;
mod tiny_data;
mod trunk_import;
mod trunk_refusals;
mod unlike;
mod your_own_model;
