#include "bench/support/postgres.h"

namespace vitrine::bench {

Result<std::unique_ptr<PostgresServer>> PostgresServer::start() {
  return Error(ErrorCode::kUnsupported,
               "built without PostgreSQL's client library (tools/setup --bench, then build again)");
}

}  // namespace vitrine::bench
