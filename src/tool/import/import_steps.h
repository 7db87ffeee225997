// Steps that the import commands share.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "tool/import/batch_sender.h"
#include "tool/import/commands.h"
#include "tool/import/import_report.h"

namespace vitrine::importer {

Result<std::unique_ptr<BatchSender>> start_sender(const ImportOptions& options, std::string path);

// The last part of every command: waits until what was sent shows, prints the report, and says
// whether something went wrong.
Status conclude(const ImportOptions& options, ImportReport& report, std::int64_t start_ns,
                Progress& progress, std::ostream& out);

}  // namespace vitrine::importer
