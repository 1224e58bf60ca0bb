// SPDX-License-Identifier: Apache-2.0
// For tests: a guest in a buffer, which sweeps as guest-kernels/ does and can be stopped after any
// store.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "lib/guest/guest_memory.h"
#include "tandem/guest_abi.h"

namespace tandem {

class ReferenceGuest : public GuestMemory {
 public:
  static constexpr uint64_t kBase = TANDEM_GUEST_STATE_OFFSET;  // where the buffer begins
  static constexpr uint64_t kRegion = TANDEM_GUEST_REGION_OFFSET;
  static constexpr uint64_t kPageWords = 512;

  explicit ReferenceGuest(const TandemGuestOptions& options)
      : words_((kRegion - kBase) / 8 + options.page_count * kPageWords),
        layout_(TandemGuestLayoutOf(&options)) {
    state().magic = kTandemGuestStateMagic;
    state().abi_version = TANDEM_GUEST_ABI_VERSION;
    state().region_gpa = kRegion;
    state().layout = layout_;
    TandemGuestPackOptions(&options, state().option_words);
  }

  // Goes on until `store_count` stores of `page` in sweep `generation` are made, or all if it has
  // fewer.
  void RunTo(uint64_t generation, uint64_t page, size_t store_count) {
    uint64_t& position = state().position;
    const uint64_t goal = generation * layout_.page_count + page;
    while (position < goal) {
      if (position >= layout_.page_count) Apply(StoresAt(position), kPageWords);
      position = position < layout_.page_count ? layout_.page_count : position + 1;
    }
    state().generation = generation;
    state().device_generation = generation;
    if (generation > 0) Apply(StoresAt(position), store_count);
  }

  TandemGuestState& state() { return *reinterpret_cast<TandemGuestState*>(words_.data()); }
  const TandemGuestLayout& layout() const { return layout_; }
  std::span<uint64_t> page(uint64_t index) {
    return {words_.data() + (kRegion - kBase) / 8 + index * kPageWords, kPageWords};
  }
  std::span<std::byte> bytes(uint64_t index) { return std::as_writable_bytes(page(index)); }

  absl::Status Read(uint64_t gpa, std::span<std::byte> out, const Deadline& /*deadline*/) override {
    if (gpa < kBase || gpa + out.size() > kBase + words_.size() * 8)
      return absl::OutOfRangeError("no RAM there");
    std::memcpy(out.data(), reinterpret_cast<const std::byte*>(words_.data()) + (gpa - kBase),
                out.size());
    return absl::OkStatus();
  }

 private:
  struct Store {
    uint64_t word;
    uint64_t value;
  };

  static uint64_t Stamped(uint64_t word, uint64_t page, uint64_t generation, uint64_t otherwise) {
    constexpr uint64_t kMiddle = 0xffffffffa5c3961d;
    constexpr uint64_t kTail = 0xffffffff9e4b72d3;
    switch (word) {
      case 0:
        return generation;
      case 1:
        return page;
      case 255:
        return generation ^ kMiddle;
      case 256:
        return page ^ kMiddle;
      case 510:
        return page ^ kTail;
      case 511:
        return generation ^ kTail;
      default:
        return otherwise;
    }
  }

  // What the guest stores into the page of `position`, in its order.
  std::vector<Store> StoresAt(uint64_t position) const {
    const uint64_t generation = position / layout_.page_count;
    const uint64_t page = position % layout_.page_count;
    const bool is_ordinary = page < layout_.ordinary_end;
    const bool is_zero = !is_ordinary && page < layout_.zero_end && generation % 2 == 0;
    const bool is_noise = page >= layout_.zero_end && page < layout_.incompressible_end;
    const bool is_constant = page >= layout_.incompressible_end;
    std::vector<Store> stores;
    if (is_constant && generation > 1) return stores;
    for (uint64_t k = 0; k < kPageWords; ++k) {
      const bool is_stamp = k < 2 || k == 255 || k == 256 || k >= 510;
      if (is_ordinary && generation > 1 && !is_stamp) continue;
      const uint64_t body = page * 0x9fb21c651e98df25 + k * 0xd6e8feb86659fd93 + 0x2545f4914f6cdd1d;
      const uint64_t noise =
          TandemGuestNoise(TandemGuestNoiseStart(page, generation) + k * kTandemGuestNoiseStep);
      stores.push_back({k, is_zero ? 0 : Stamped(k, page, generation, is_noise ? noise : body)});
    }
    return stores;
  }

  void Apply(const std::vector<Store>& stores, size_t count) {
    const std::span<uint64_t> target = page(state().position % layout_.page_count);
    for (size_t i = 0; i < stores.size() && i < count; ++i)
      target[stores[i].word] = stores[i].value;
  }

  std::vector<uint64_t> words_;
  TandemGuestLayout layout_;
};

}  // namespace tandem
