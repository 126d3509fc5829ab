#pragma once

#include "config/command_line.hpp"

namespace souk::server {

// One per file. Each returns the process's exit code and may throw std::exception.
int serve(const config::parsed& p);
int migrate(const config::parsed& p);
int doctor(const config::parsed& p);
int status(const config::parsed& p);
int drain(const config::parsed& p);
int move_shard(const config::parsed& p);
int reopen(const config::parsed& p);
int events(const config::parsed& p);
int import(const config::parsed& p);
int demo(const config::parsed& p);
int reconcile(const config::parsed& p);

} // namespace souk::server
