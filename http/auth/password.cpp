#include "http/auth/password.hpp"

#include "actors/text.hpp"

#include <array>
#include <future>
#include <memory>
#include <stdexcept>

#include <sodium.h>
#include <spdlog/spdlog.h>

namespace souk::http {

namespace {

constexpr unsigned long long passes = 2;
constexpr std::size_t memory = std::size_t{19} * 1024 * 1024;

std::optional<std::string> hash_now(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> out;
  if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), passes, memory,
                            crypto_pwhash_ALG_ARGON2ID13)
      != 0) {
    spdlog::error("no memory to hash a password");
    return std::nullopt;
  }
  return std::string{out.data()};
}

std::string hash_of_nobody() {
  if (sodium_init() < 0)
    throw std::runtime_error("libsodium cannot start");
  std::array<char, 32> secret;
  randombytes_buf(secret.data(), secret.size());
  auto out = hash_now({secret.data(), secret.size()});
  if (!out)
    throw std::runtime_error("there is no memory to hash a password");
  return *out;
}

/// Runs the job on the pool and waits for it: so it may use what the caller holds.
template <class T, class Job>
std::optional<T> run(runtime::thread_pool& pool, Job job) {
  auto result = std::make_shared<std::promise<std::optional<T>>>();
  auto answer = result->get_future();
  if (!pool.post([result, job] { result->set_value(job()); }))
    return std::nullopt;
  result.reset(); // a job that ends without an answer breaks the promise
  try {
    return answer.get();
  } catch (const std::future_error&) {
    return std::nullopt;
  }
}

} // namespace

std::optional<actors::rejection> check_password(std::string_view password) {
  auto size = actors::characters(password);
  if (!size || *size < 8 || *size > 200)
    return actors::invalid("password", "a password has 8 to 200 characters");
  return std::nullopt;
}

password_hasher::password_hasher(std::size_t workers, std::size_t queue_max)
  : nobody_(hash_of_nobody()), pool_("souk-hash", workers, queue_max) {
  // nop
}

std::optional<std::string> password_hasher::hash(std::string_view password) {
  return run<std::string>(pool_, [password] { return hash_now(password); });
}

std::optional<bool> password_hasher::verify(std::string_view hash, std::string_view password) {
  return run<bool>(pool_, [kept = std::string{hash}, password]() -> std::optional<bool> {
    return crypto_pwhash_str_verify(kept.c_str(), password.data(), password.size()) == 0;
  });
}

std::optional<bool> password_hasher::verify_nobody(std::string_view password) {
  auto done = verify(nobody_, password);
  return done ? std::optional{false} : std::nullopt;
}

} // namespace souk::http
