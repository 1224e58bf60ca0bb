// SPDX-License-Identifier: Apache-2.0
#include "lib/qmp/json.h"

#include <rapidjson/document.h>
#include <rapidjson/error/en.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "lib/base/status.h"

namespace tandem {
namespace {

const rapidjson::Value& Node(const void* node) {
  return *static_cast<const rapidjson::Value*>(node);
}

// As deep as QEMU's own parser goes. RapidJSON copies and prints by recursion, which a hostile
// answer nested a million deep would drive over the end of the stack.
constexpr int kMostNesting = 1024;

bool IsNestedTooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kMostNesting) return true;
  }
  return false;
}

rapidjson::Value Text(std::string_view text, rapidjson::Document::AllocatorType& allocator) {
  return rapidjson::Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator);
}

}  // namespace

struct Json::Document {
  rapidjson::Document tree;
};

template <typename Value>
Json Json::FromValue(Value value) {
  auto document = std::make_shared<Document>();
  static_cast<rapidjson::Value&>(document->tree) = rapidjson::Value(value);
  const void* root = static_cast<const rapidjson::Value*>(&document->tree);
  return Json(std::move(document), root);
}

Json::Json() : document_(nullptr) {
  static const rapidjson::Value null;
  node_ = &null;
}
Json::Json(bool value) : Json(FromValue(value)) {}
Json::Json(int64_t value) : Json(FromValue(value)) {}
Json::Json(uint64_t value) : Json(FromValue(value)) {}
Json::Json(double value) : Json(FromValue(value)) {}
Json::Json(std::string_view value) : Json() {
  auto document = std::make_shared<Document>();
  static_cast<rapidjson::Value&>(document->tree) =
      tandem::Text(value, document->tree.GetAllocator());
  node_ = static_cast<const rapidjson::Value*>(&document->tree);
  document_ = std::move(document);
}

Json Json::Object(const std::vector<Member>& members) {
  auto document = std::make_shared<Document>();
  auto& allocator = document->tree.GetAllocator();
  document->tree.SetObject();
  for (const auto& [name, value] : members) {
    document->tree.AddMember(tandem::Text(name, allocator),
                             rapidjson::Value(Node(value.node_), allocator), allocator);
  }
  const void* root = static_cast<const rapidjson::Value*>(&document->tree);
  return Json(std::move(document), root);
}

Json Json::Array(const std::vector<Json>& elements) {
  auto document = std::make_shared<Document>();
  auto& allocator = document->tree.GetAllocator();
  document->tree.SetArray();
  for (const Json& element : elements) {
    document->tree.PushBack(rapidjson::Value(Node(element.node_), allocator), allocator);
  }
  const void* root = static_cast<const rapidjson::Value*>(&document->tree);
  return Json(std::move(document), root);
}

absl::StatusOr<Json> Json::Parse(std::string_view text) {
  if (IsNestedTooDeep(text)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "JSON nested more than {} deep",
                     kMostNesting);
  }
  auto document = std::make_shared<Document>();
  document->tree.Parse(text.data(), text.size());
  if (document->tree.HasParseError()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "not JSON at byte {}: {}",
                     document->tree.GetErrorOffset(),
                     rapidjson::GetParseError_En(document->tree.GetParseError()));
  }
  const void* root = static_cast<const rapidjson::Value*>(&document->tree);
  return Json(std::move(document), root);
}

bool Json::is_null() const { return Node(node_).IsNull(); }
bool Json::is_object() const { return Node(node_).IsObject(); }
bool Json::is_array() const { return Node(node_).IsArray(); }

Json Json::operator[](std::string_view name) const {
  const rapidjson::Value& node = Node(node_);
  if (!node.IsObject()) return Json();
  auto member = node.FindMember(rapidjson::Value(
      rapidjson::StringRef(name.data(), static_cast<rapidjson::SizeType>(name.size()))));
  if (member == node.MemberEnd()) return Json();
  return Json(document_, &member->value);
}

Json Json::operator[](size_t index) const {
  const rapidjson::Value& node = Node(node_);
  if (!node.IsArray() || index >= node.Size()) return Json();
  return Json(document_, &node[static_cast<rapidjson::SizeType>(index)]);
}

bool Json::Has(std::string_view name) const {
  const rapidjson::Value& node = Node(node_);
  return node.IsObject() &&
         node.FindMember(rapidjson::Value(rapidjson::StringRef(
             name.data(), static_cast<rapidjson::SizeType>(name.size())))) != node.MemberEnd();
}

size_t Json::size() const {
  const rapidjson::Value& node = Node(node_);
  if (node.IsArray()) return node.Size();
  return node.IsObject() ? node.MemberCount() : 0;
}

std::vector<Json> Json::elements() const {
  std::vector<Json> result;
  if (!is_array()) return result;
  for (const rapidjson::Value& element : Node(node_).GetArray()) {
    result.push_back(Json(document_, &element));
  }
  return result;
}

std::vector<std::pair<std::string, Json>> Json::members() const {
  std::vector<std::pair<std::string, Json>> result;
  if (!is_object()) return result;
  for (const auto& member : Node(node_).GetObject()) {
    result.emplace_back(std::string(member.name.GetString(), member.name.GetStringLength()),
                        Json(document_, &member.value));
  }
  return result;
}

std::optional<bool> Json::Boolean() const {
  if (!Node(node_).IsBool()) return std::nullopt;
  return Node(node_).GetBool();
}

std::optional<int64_t> Json::Integer() const {
  if (Node(node_).IsInt64()) return Node(node_).GetInt64();
  if (Node(node_).IsUint64()) return static_cast<int64_t>(Node(node_).GetUint64());
  return std::nullopt;
}

std::optional<double> Json::Number() const {
  if (!Node(node_).IsNumber()) return std::nullopt;
  return Node(node_).GetDouble();
}

std::string Json::Text() const {
  if (!Node(node_).IsString()) return {};
  return {Node(node_).GetString(), Node(node_).GetStringLength()};
}

Json Json::MergedWith(const Json& other) const {
  std::vector<std::pair<std::string, Json>> merged = members();
  for (auto& [name, value] : other.members()) {
    auto same = [&name = name](const auto& member) { return member.first == name; };
    std::erase_if(merged, same);
    merged.emplace_back(name, value);
  }
  return Object({merged.begin(), merged.end()});
}

std::string Json::Dump() const {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  Node(node_).Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string Json::Pretty() const {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  Node(node_).Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace tandem
