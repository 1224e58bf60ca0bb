// SPDX-License-Identifier: Apache-2.0
// JSON values as QMP uses them: a thin, immutable face of RapidJSON.
//
// Above lib/qmp nobody handles JSON text. Arguments are built with Json::Object and Json::Array;
// answers are read by path: reply["ram"]["total"].Integer().
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tandem {

// Immutable; copies share one document. A value that is absent is a null, and whatever is asked of
// a null is absent as well, so paths need no checks on the way. Thread-safe.
class Json {
 public:
  using Member = std::pair<std::string_view, Json>;

  Json();  // null
  // Implicit, so that arguments read like JSON. NOLINTBEGIN(google-explicit-constructor)
  Json(bool value);
  Json(int value) : Json(static_cast<int64_t>(value)) {}
  Json(int64_t value);
  Json(uint64_t value);
  Json(double value);
  Json(std::string_view value);
  Json(const std::string& value) : Json(std::string_view(value)) {}
  Json(const char* value) : Json(std::string_view(value)) {}
  // NOLINTEND(google-explicit-constructor)

  // An object with these members, in their order.
  static Json Object(const std::vector<Member>& members);
  // An array of these elements.
  static Json Array(const std::vector<Json>& elements);
  // InvalidArgument with the offset and RapidJSON's message when `text` is no JSON value.
  static absl::StatusOr<Json> Parse(std::string_view text);

  bool is_null() const;
  bool is_object() const;
  bool is_array() const;

  // The member of an object, the element of an array; a null when there is none.
  Json operator[](std::string_view name) const;
  Json operator[](size_t index) const;
  // Whether an object has the member, be it null.
  bool Has(std::string_view name) const;
  // Elements of an array or members of an object; 0 otherwise.
  size_t size() const;
  // Of an array; empty otherwise.
  std::vector<Json> elements() const;
  // Of an object, in their order; empty otherwise.
  std::vector<std::pair<std::string, Json>> members() const;

  // The value in its own type; nullopt when it is of another one.
  std::optional<bool> Boolean() const;
  // What is above the largest int64_t comes as its two's complement.
  std::optional<int64_t> Integer() const;
  // An integer is a number, too.
  std::optional<double> Number() const;
  // A string; "" when it is of another type.
  std::string Text() const;

  // This object with the members of `other` added or replaced.
  Json MergedWith(const Json& other) const;

  std::string Dump() const;    // one line
  std::string Pretty() const;  // indented by two spaces

 private:
  struct Document;  // RapidJSON's, kept out of this header

  Json(std::shared_ptr<const Document> document, const void* node)
      : document_(std::move(document)), node_(node) {}
  template <typename Value>
  static Json FromValue(Value value);

  std::shared_ptr<const Document> document_;  // keeps node_ alive
  const void* node_;                          // a rapidjson::Value inside it
};

}  // namespace tandem
