#include "integrations/providers_sandbox/signatures.hpp"

#include <array>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdexcept>

namespace souk::providers {

namespace {

template <class Pointer>
Pointer* made(Pointer* result, const char* what) {
  if (result == nullptr)
    throw std::runtime_error(std::string{"OpenSSL: "} + what);
  return result;
}

struct free_bio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct free_digest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct free_certificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::string drain(BIO* bio) {
  char* text = nullptr;
  auto length = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(length)};
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  std::array<unsigned char, 32> mac{};
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), mac.data(), &length);
  std::array<char, 65> hex{};
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  return hex.data();
}

std::string base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes_of(bytes), bytes.size(), sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();
  return text;
}

std::string from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t length = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(),
                        nullptr, &length, nullptr, sodium_base64_VARIANT_ORIGINAL)
      != 0)
    return {};
  bytes.resize(length);
  return bytes;
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ (0xedb88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

signing_key signing_key::rsa() {
  return signing_key{made(EVP_RSA_gen(2048), "cannot make an RSA key")};
}

signing_key signing_key::p256() {
  return signing_key{made(EVP_EC_gen("P-256"), "cannot make a P-256 key")};
}

signing_key signing_key::from_pem(const std::string& pem) {
  std::unique_ptr<BIO, free_bio> bio{made(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), "no memory")};
  return signing_key{made(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), "not a private key")};
}

std::string signing_key::private_pem() const {
  std::unique_ptr<BIO, free_bio> bio{made(BIO_new(BIO_s_mem()), "no memory")};
  if (PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    throw std::runtime_error("OpenSSL: cannot write a key");
  return drain(bio.get());
}

std::string signing_key::sign(std::string_view text) const {
  std::unique_ptr<EVP_MD_CTX, free_digest> context{made(EVP_MD_CTX_new(), "no memory")};
  std::size_t length = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1
      || EVP_DigestSign(context.get(), nullptr, &length, bytes_of(text), text.size()) != 1)
    throw std::runtime_error("OpenSSL: cannot sign");
  std::string signature(length, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, bytes_of(text),
                     text.size())
      != 1)
    throw std::runtime_error("OpenSSL: cannot sign");
  signature.resize(length); // DER is shorter than its bound
  return signature;
}

bool signing_key::verifies(std::string_view text, std::string_view signature) const {
  std::unique_ptr<EVP_MD_CTX, free_digest> context{made(EVP_MD_CTX_new(), "no memory")};
  bool good = EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1
           && EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size())
                == 1;
  ERR_clear_error(); // a bad signature leaves an entry behind
  return good;
}

std::string signing_key::certificate(const std::string& name) const {
  std::unique_ptr<X509, free_certificate> certificate{made(X509_new(), "no memory")};
  auto* subject = X509_get_subject_name(certificate.get());
  constexpr long ten_years_s = 10L * 365 * 24 * 3600;
  std::unique_ptr<BIO, free_bio> bio{made(BIO_new(BIO_s_mem()), "no memory")};
  if (X509_set_version(certificate.get(), 2) != 1
      || ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) != 1
      || X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600) == nullptr
      || X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ten_years_s) == nullptr
      || X509_set_pubkey(certificate.get(), key_.get()) != 1
      || X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes_of(name), static_cast<int>(name.size()), -1,
                                    0)
           != 1
      || X509_set_issuer_name(certificate.get(), subject) != 1
      || X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0
      || PEM_write_bio_X509(bio.get(), certificate.get()) != 1)
    throw std::runtime_error("OpenSSL: cannot make a certificate");
  return drain(bio.get());
}

std::string signing_key::public_der() const {
  unsigned char* der = nullptr;
  auto length = i2d_PUBKEY(key_.get(), &der);
  if (length <= 0)
    throw std::runtime_error("OpenSSL: cannot write a public key");
  std::string text{reinterpret_cast<char*>(der), static_cast<std::size_t>(length)};
  OPENSSL_free(der);
  return text;
}

} // namespace souk::providers
