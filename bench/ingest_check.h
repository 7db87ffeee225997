// What it costs to look at an event before anything believes it: the parse, and the positive checks
// of its schema, sizes and classes of characters (domain/event), up to the encoded record. No
// network, no log.
#pragma once

#include "bench/support/report.h"

namespace vitrine::bench {

// Prints a table and adds ingest_check_us (mean CPU of an event by itself), ingest_check_us_p50 and
// _p99 (wall time of an event by itself), ingest_check_batch_us_p50 and _p99 (an event in a batch
// of 100), ingest_refuse_us_p50 and _p99 (an event that breaks a rule).
void measure_ingest_check(JsonLine& json);

}  // namespace vitrine::bench
