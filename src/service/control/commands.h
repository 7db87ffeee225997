// `vitrine tenant ...` and `vitrine key ...`: what the command line does, without its parsing.
//
// They work on an Admin: the running server's admin API where there is one, else the control
// database itself. Each writes its result to `out`, as a table for people or, with `json`, as
// one JSON document with a final newline for programs. Nothing is written when a Status is an
// error.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/codec/json_writer.h"
#include "service/control/admin.h"

namespace vitrine::control {

struct OutputOptions {
  bool json = false;
  TimeUs now_us = 0;  // to say which keys are expired
};

Status run_tenant_create(Admin&, const Actor&, const NewTenant&, const OutputOptions&,
                         std::ostream& out);
Status run_tenant_list(Admin&, const OutputOptions&, std::ostream& out);
Status run_tenant_show(Admin&, std::string_view name, const OutputOptions&, std::ostream& out);
Status run_tenant_suspend(Admin&, const Actor&, std::string_view name, const OutputOptions&,
                          std::ostream& out);
Status run_tenant_resume(Admin&, const Actor&, std::string_view name, const OutputOptions&,
                         std::ostream& out);
Status run_tenant_delete(Admin&, const Actor&, std::string_view name, const OutputOptions&,
                         std::ostream& out);
Status run_tenant_quotas(Admin&, const Actor&, std::string_view name, const tenant::Quotas&,
                         const OutputOptions&, std::ostream& out);

Status run_key_create(Admin&, const Actor&, const NewKey&, const OutputOptions&, std::ostream& out);
Status run_key_list(Admin&, const KeyFilter&, const OutputOptions&, std::ostream& out);
// `key_id` is the 12 hex digits, or the whole key text.
Status run_key_rotate(Admin&, const Actor&, std::string_view key_id, TimeUs grace_us,
                      const OutputOptions&, std::ostream& out);
Status run_key_revoke(Admin&, const Actor&, std::string_view key_id, const OutputOptions&,
                      std::ostream& out);

// The JSON forms, shared with the admin API.
void write_json(codec::JsonWriter& json, const tenant::Tenant& tenant);
void write_json(codec::JsonWriter& json, const tenant::KeyInfo& key, TimeUs now_us);
void write_json(codec::JsonWriter& json, const IssuedKey& key, TimeUs now_us);

// "active", "revoked", "expired", or "rotated" (replaced, in its grace period).
std::string_view key_state(const tenant::KeyInfo& key, TimeUs now_us);

}  // namespace vitrine::control
