// What `vitrine backup` needs of a data directory and of a server, joined for tool/backup.
#pragma once

#include "settings.h"
#include "tool/backup/create.h"
#include "tool/backup/drill.h"

namespace vitrine::app {

// For the server that `settings` describe.
backup::CreateOptions backup_create_options(const Settings& settings);

// Erases in one partition of a restored directory, which nobody uses yet, under the settings that
// came with it: RestoreOptions::erase.
Result<privacy::ErasureReport> erase_in_restored(const std::string& folder, std::uint32_t partition,
                                                 const privacy::ErasureList& orders,
                                                 Progress& progress);
// The last step of a restore: the control database notes it, and gets new epochs.
Status finish_restore(const std::string& folder, const std::string& backup_id);

// Starts `vitrine serve` on restored directories, and compares states under the settings that were
// restored with them.
backup::DrillOptions backup_drill_options(const Settings& settings);

// The settings that the state depends on, as TOML.
std::string state_settings(const Settings& settings);

}  // namespace vitrine::app
