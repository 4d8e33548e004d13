// SHA-256 (FIPS 180-4) and HMAC (RFC 2104), for messages that are in memory as a whole.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SHA256_BLOCK = 64, SHA256_SIZE = 32 };

typedef struct {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[SHA256_BLOCK];
} sha256_t;

static const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t sha256_rotate(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static void sha256_compress(sha256_t *hash) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    const uint8_t *b = hash->block + 4 * i;
    w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = sha256_rotate(w[i - 15], 7) ^ sha256_rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = sha256_rotate(w[i - 2], 17) ^ sha256_rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, hash->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t e = sha256_rotate(s[4], 6) ^ sha256_rotate(s[4], 11) ^ sha256_rotate(s[4], 25);
    uint32_t t1 = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha256_constants[i] + w[i];
    uint32_t a = sha256_rotate(s[0], 2) ^ sha256_rotate(s[0], 13) ^ sha256_rotate(s[0], 22);
    uint32_t t2 = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) hash->state[i] += s[i];
}

static void sha256_start(sha256_t *hash) {
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, start, sizeof start);
  hash->length = 0;
}

static void sha256_add(sha256_t *hash, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    hash->block[hash->length++ % SHA256_BLOCK] = bytes[i];
    if (hash->length % SHA256_BLOCK == 0) sha256_compress(hash);
  }
}

static void sha256_end(sha256_t *hash, uint8_t digest[SHA256_SIZE]) {
  uint64_t bits = hash->length * 8;
  sha256_add(hash, (const uint8_t[]){0x80}, 1);
  while (hash->length % SHA256_BLOCK != 56) sha256_add(hash, (const uint8_t[]){0}, 1);
  for (int i = 56; i >= 0; i -= 8) sha256_add(hash, (const uint8_t[]){bits >> i}, 1);
  for (int i = 0; i < SHA256_SIZE; i++) digest[i] = hash->state[i / 4] >> (24 - i % 4 * 8);
}

static void hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *message, size_t length,
                        uint8_t digest[SHA256_SIZE]) {
  uint8_t block[SHA256_BLOCK] = {0};
  sha256_t hash;
  if (key_length > SHA256_BLOCK) {
    sha256_start(&hash);
    sha256_add(&hash, key, key_length);
    sha256_end(&hash, block);
  } else {
    memcpy(block, key, key_length);
  }
  for (int i = 0; i < SHA256_BLOCK; i++) block[i] ^= 0x36;
  sha256_start(&hash);
  sha256_add(&hash, block, SHA256_BLOCK);
  sha256_add(&hash, message, length);
  sha256_end(&hash, digest);
  for (int i = 0; i < SHA256_BLOCK; i++) block[i] ^= 0x36 ^ 0x5c;
  sha256_start(&hash);
  sha256_add(&hash, block, SHA256_BLOCK);
  sha256_add(&hash, digest, SHA256_SIZE);
  sha256_end(&hash, digest);
}
