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
        layout_(TandemGuestLayoutOf(&options)),
        sweepers_(options.sweepers) {
    state().magic = kTandemGuestStateMagic;
    state().abi_version = TANDEM_GUEST_ABI_VERSION;
    state().region_gpa = kRegion;
    state().layout = layout_;
    TandemGuestPackOptions(&options, state().option_words);
  }

  // Goes on until `store_count` stores of `page` in sweep `generation` are made, or all if it has
  // fewer.
  void RunTo(uint64_t generation, uint64_t page, size_t store_count) {
    Sweep(0, state().position, generation, page, store_count);
    state().generation = generation;
    state().device_generation = generation;
  }

  // The same for vCPU 1 and so on; the page must be one of its own.
  void RunOtherTo(uint64_t vcpu, uint64_t generation, uint64_t page, size_t store_count) {
    TandemGuestSweeper& other = state().others[vcpu - 1];
    Sweep(vcpu, other.position, generation, page, store_count);
    other.completed = generation - 1;
  }
  void CompleteOther(uint64_t vcpu, uint64_t generation) {
    RunOtherTo(vcpu, generation, PagesOf(vcpu).back(), kPageWords);
    state().others[vcpu - 1].completed = generation;
  }
  // All sweep until they have completed `generation`.
  void CompleteAll(uint64_t generation) {
    RunTo(generation, PagesOf(0).back(), kPageWords);
    for (uint64_t vcpu = 1; vcpu < sweepers_; ++vcpu) CompleteOther(vcpu, generation);
  }

  // The pages that one of them sweeps, in its order.
  std::vector<uint64_t> PagesOf(uint64_t vcpu) const {
    std::vector<uint64_t> pages;
    for (uint64_t page = 0; page < layout_.page_count; ++page) {
      if (IsOf(vcpu, page)) pages.push_back(page);
    }
    return pages;
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

  void Apply(uint64_t position, size_t count) {
    const std::vector<Store> stores = StoresAt(position);
    const std::span<uint64_t> target = page(position % layout_.page_count);
    for (size_t i = 0; i < stores.size() && i < count; ++i)
      target[stores[i].word] = stores[i].value;
  }

  void Sweep(uint64_t vcpu, uint64_t& position, uint64_t generation, uint64_t page,
             size_t store_count) {
    const uint64_t goal = generation * layout_.page_count + page;
    for (; position < goal; ++position) {
      const bool is_begun = position >= layout_.page_count;
      if (is_begun && IsOf(vcpu, position % layout_.page_count)) Apply(position, kPageWords);
    }
    if (generation > 0) Apply(position, store_count);
  }

  // Each band is cut into as many slices as there are sweepers.
  bool IsOf(uint64_t vcpu, uint64_t page) const {
    uint64_t first = 0;
    uint64_t end = layout_.page_count;
    for (uint64_t limit :
         {layout_.ordinary_end, layout_.zero_end, layout_.incompressible_end, end}) {
      if (page < limit) {
        end = limit;
        break;
      }
      first = limit;
    }
    const uint64_t count = end - first;
    return page >= first + count * vcpu / sweepers_ &&
           page < first + count * (vcpu + 1) / sweepers_;
  }

  std::vector<uint64_t> words_;
  TandemGuestLayout layout_;
  uint64_t sweepers_;
};

}  // namespace tandem
