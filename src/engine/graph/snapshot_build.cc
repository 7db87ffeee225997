#include <algorithm>
#include <cstring>

#include "engine/graph/internal/edge_sorter.h"
#include "engine/graph/internal/manifest.h"
#include "engine/graph/snapshot.h"
#include "platform/io/checked_file.h"

namespace vitrine::graph {
namespace {

constexpr std::uint32_t kItemBit = 0x80000000u;

// A file that is only needed while building.
class TemporaryFile {
 public:
  static Result<std::unique_ptr<TemporaryFile>> create(io::FileSystem& files, std::string path) {
    auto made = std::unique_ptr<TemporaryFile>(new TemporaryFile(files, std::move(path)));
    VITRINE_TRY(made->file_, files.open(made->path_, io::OpenMode::kCreate));
    VITRINE_TRY(made->file_->truncate(0));
    return made;
  }
  ~TemporaryFile() {
    file_.reset();
    const Status ignored = files_.remove(path_);
    (void)ignored;
  }
  io::File& file() { return *file_; }

 private:
  TemporaryFile(io::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  io::FileSystem& files_;
  std::string path_;
  std::unique_ptr<io::File> file_;
};

class Builder {
 public:
  Builder(EdgeStream& edges, const BuildOptions& options, Progress& progress)
      : edges_(edges), options_(options), files_(*options.files), progress_(progress) {}

  Result<SnapshotInfo> run() {
    VITRINE_TRY(files_.create_directories(options_.directory));
    VITRINE_TRY(const bool there, files_.exists(path("MANIFEST")));
    if (there) {
      return Error(ErrorCode::kConflict, options_.directory + " holds a graph already");
    }
    VITRINE_TRY(check_disk(edges_.edges_max()));
    VITRINE_TRY(spill_, TemporaryFile::create(files_, path("edges.tmp")));
    VITRINE_TRY(read_edges());
    VITRINE_TRY(check_disk(info_.edges));
    VITRINE_TRY(number_nodes());
    VITRINE_TRY(sort_entries());
    Status written = write_lists();
    if (!written.ok()) {
      remove_output();
      return std::move(written).error();
    }
    return info_;
  }

 private:
  std::string path(std::string_view name) const { return io::join_path(options_.directory, name); }

  void remove_output() {
    for (const std::string_view name : {"neighbours", "attributes", "nodes"}) {
      const Status ignored = files_.remove(path(name));
      (void)ignored;
    }
  }

  Status check_disk(std::uint64_t edges) {
    VITRINE_TRY(const std::uint64_t free, files_.free_bytes(options_.directory));
    const std::uint64_t needed = edges * kBuildDiskBytesPerEdge;
    if (free >= needed) return ok_status();
    return Error(ErrorCode::kExhausted, "building this graph takes up to " +
                                            std::to_string(needed) + " bytes of disk below " +
                                            options_.directory + ", but only " +
                                            std::to_string(free) + " are free");
  }

  // Pass 1: copy the stream, count degrees.
  Status read_edges() {
    progress_.start("reading edges", edges_.edges_max(), "edges");
    std::vector<Edge> batch(32 * 1024);
    info_.time_first_us = std::numeric_limits<std::int64_t>::max();
    info_.time_last_us = std::numeric_limits<std::int64_t>::min();
    for (;;) {
      VITRINE_TRY(const std::size_t count, edges_.next(batch));
      if (count == 0) break;
      for (const Edge& edge : std::span(batch).first(count)) VITRINE_TRY(count_edge(edge));
      const std::string_view bytes(reinterpret_cast<const char*>(batch.data()),
                                   count * sizeof(Edge));
      VITRINE_TRY(spill_->file().write_at(info_.edges * sizeof(Edge), bytes));
      info_.edges += count;
      progress_.update(info_.edges);
    }
    progress_.finish();
    if (info_.edges == 0) {
      return Error(ErrorCode::kInvalidArgument, "there are no edges to build a graph from");
    }
    info_.entries = info_.edges * 2;
    info_.users = user_degree_.size();
    info_.items = item_degree_.size();
    return ok_status();
  }

  Status count_edge(const Edge& edge) {
    if (edge.user > kSourceIdMax || edge.item > kSourceIdMax) {
      return Error(ErrorCode::kInvalidArgument,
                   "numbers of users and items must be below 2147483647");
    }
    if (edge.user >= user_degree_.size()) VITRINE_TRY(grow(user_degree_, edge.user));
    if (edge.item >= item_degree_.size()) VITRINE_TRY(grow(item_degree_, edge.item));
    user_degree_[edge.user] += 1;
    item_degree_[edge.item] += 1;
    info_.time_first_us = std::min(info_.time_first_us, edge.time_us);
    info_.time_last_us = std::max(info_.time_last_us, edge.time_us);
    return ok_status();
  }

  // 20 bytes a node: its degree, its key while sorting, its new number, and its degree again.
  Status grow(std::vector<std::uint32_t>& degrees, std::uint32_t id) {
    if (id >= degrees.capacity()) {
      const std::uint64_t capacity = std::max<std::uint64_t>(id + 1, degrees.capacity() * 3 / 2);
      const std::uint64_t others =
          &degrees == &user_degree_ ? item_degree_.capacity() : user_degree_.capacity();
      held_.release();
      VITRINE_TRY(held_, options_.budget->reserve("degrees and numbers", (capacity + others) * 20));
      degrees.reserve(capacity);
    }
    degrees.resize(id + std::size_t{1});
    return ok_status();
  }

  // New numbers by descending degree; ties: users first, then by the source's number.
  Status number_nodes() {
    const std::uint64_t nodes = info_.nodes();
    if (nodes >= 0xFFFFFFFFu) return Error(ErrorCode::kTooLarge, "more than 2^32 - 2 nodes");
    progress_.start("numbering nodes", nodes, "nodes");
    std::vector<std::uint64_t> keys;
    keys.reserve(nodes);
    const auto add = [&](const std::vector<std::uint32_t>& degrees, std::uint32_t kind) {
      for (std::uint32_t id = 0; id < degrees.size(); ++id) {
        keys.push_back(std::uint64_t{~degrees[id]} << 32 | kind | id);
      }
    };
    add(user_degree_, 0);
    add(item_degree_, kItemBit);
    std::sort(keys.begin(), keys.end());
    io::CheckedFileOptions checked;
    checked.name = "graph nodes";
    VITRINE_TRY(auto out, io::CheckedFileWriter::create(files_, path("nodes"), checked));
    out->value<std::uint64_t>(nodes);
    node_degree_.resize(nodes);
    for (std::uint32_t node = 0; node < nodes; ++node) {
      const auto source = static_cast<std::uint32_t>(keys[node]);
      out->value(source);
      auto& degree =
          (source & kItemBit) != 0 ? item_degree_[source & ~kItemBit] : user_degree_[source];
      node_degree_[node] = degree;
      degree = node;  // from here on the new number
    }
    info_.degree_max = node_degree_[0];
    VITRINE_TRY(out->finish());
    progress_.update(nodes);
    progress_.finish();
    return ok_status();
  }

  // Pass 2: each edge becomes an entry in two lists.
  Status sort_entries() {
    VITRINE_TRY(sorter_, EdgeSorter::create(files_, path("sort.tmp"), options_.sort_bytes,
                                            *options_.budget));
    progress_.start("sorting", info_.edges, "edges");
    std::vector<Edge> batch(32 * 1024);
    for (std::uint64_t done = 0; done < info_.edges;) {
      const std::size_t count = std::min<std::uint64_t>(batch.size(), info_.edges - done);
      const std::span<char> into(reinterpret_cast<char*>(batch.data()), count * sizeof(Edge));
      VITRINE_TRY(const std::size_t got, spill_->file().read_at(done * sizeof(Edge), into));
      if (got != into.size()) {
        return Error(ErrorCode::kCorrupt, path("edges.tmp") + " ends early");
      }
      for (const Edge& edge : std::span(batch).first(count)) {
        DirectedEdge entry;
        entry.node = user_degree_[edge.user];
        entry.neighbour = item_degree_[edge.item];
        entry.time_us = edge.time_us;
        std::memcpy(&entry.weight_bits, &edge.weight, 4);
        entry.type = edge.type;
        VITRINE_TRY(sorter_->add(entry));
        std::swap(entry.node, entry.neighbour);
        VITRINE_TRY(sorter_->add(entry));
      }
      done += count;
      progress_.update(done);
    }
    progress_.finish();
    spill_.reset();
    return sorter_->finish();
  }

  // Pass 3: merge, compress, write.
  Status write_lists() {
    VITRINE_TRY(neighbours_, files_.open(path("neighbours"), io::OpenMode::kCreate));
    VITRINE_TRY(neighbours_->truncate(0));
    VITRINE_TRY(attributes_, files_.open(path("attributes"), io::OpenMode::kCreate));
    VITRINE_TRY(attributes_->truncate(0));
    progress_.start("writing lists", info_.entries, "entries");
    std::vector<NodeId> chunk;
    std::uint64_t done = 0;
    for (NodeId node = 0; node < node_degree_.size(); ++node) {
      builder_.begin_list(node, node_degree_[node]);
      for (std::uint32_t left = node_degree_[node]; left > 0;) {
        const std::uint32_t count = std::min(left, kChunkNeighbours);
        VITRINE_TRY(read_chunk(node, count, chunk));
        if (builder_.add_chunk(chunk)) VITRINE_TRY(write_block());
        append_attributes();
        left -= count;
        done += count;
      }
      if (builder_.end_list()) VITRINE_TRY(write_block());
      if (node % 1024 == 0) progress_.update(done);
    }
    if (builder_.finish()) VITRINE_TRY(write_block());
    progress_.update(done);
    progress_.finish();
    VITRINE_TRY(neighbours_->sync_data());
    VITRINE_TRY(attributes_->sync_data());
    sorter_.reset();
    info_.blocks = directory_.size();
    info_.attribute_bytes = attribute_offset_;
    return write_manifest(files_, path("MANIFEST"), info_, directory_);
  }

  Status read_chunk(NodeId node, std::uint32_t count, std::vector<NodeId>& chunk) {
    chunk.clear();
    chunk_attributes_.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      DirectedEdge entry;
      VITRINE_TRY(const bool there, sorter_->next(entry));
      if (!there || entry.node != node) {
        return Error(ErrorCode::kCorrupt, "the sorted runs are not what was written");
      }
      chunk.push_back(entry.neighbour);
      float weight;
      std::memcpy(&weight, &entry.weight_bits, 4);
      chunk_attributes_.times_us.push_back(entry.time_us);
      chunk_attributes_.weights.push_back(weight);
      chunk_attributes_.types.push_back(static_cast<std::uint8_t>(entry.type));
    }
    return ok_status();
  }

  void append_attributes() {
    const auto move = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    move(block_attributes_.times_us, chunk_attributes_.times_us);
    move(block_attributes_.weights, chunk_attributes_.weights);
    move(block_attributes_.types, chunk_attributes_.types);
  }

  Status write_block() {
    const auto& block = builder_.finished();
    VITRINE_TRY(neighbours_->write_at(directory_.size() * kBlockBytes, block.bytes));
    std::string encoded;
    VITRINE_CHECK(block_attributes_.times_us.size() == block.edges);
    encode_attributes(block_attributes_, encoded);
    block_attributes_.clear();
    VITRINE_TRY(attributes_->write_at(attribute_offset_, encoded));
    directory_.push_back(
        {block.first_node, block.first_position, block.first_edge, attribute_offset_});
    attribute_offset_ += encoded.size();
    return ok_status();
  }

  EdgeStream& edges_;
  const BuildOptions& options_;
  io::FileSystem& files_;
  Progress& progress_;
  SnapshotInfo info_;
  std::unique_ptr<TemporaryFile> spill_;
  std::vector<std::uint32_t> user_degree_;  // then the new numbers
  std::vector<std::uint32_t> item_degree_;
  std::vector<std::uint32_t> node_degree_;
  Reservation held_;
  std::unique_ptr<EdgeSorter> sorter_;
  std::unique_ptr<io::File> neighbours_;
  std::unique_ptr<io::File> attributes_;
  BlockBuilder builder_;
  EdgeAttributes chunk_attributes_;
  EdgeAttributes block_attributes_;
  std::vector<Snapshot::DirectoryEntry> directory_;
  std::uint64_t attribute_offset_ = 0;
};

}  // namespace

Result<SnapshotInfo> build_snapshot(EdgeStream& edges, const BuildOptions& options,
                                    Progress& progress) {
  VITRINE_CHECK(options.files != nullptr);
  VITRINE_CHECK(options.budget != nullptr);
  return Builder(edges, options, progress).run();
}

}  // namespace vitrine::graph
