// Lucene as a rival of `make bench-text`. Reads commands from standard input, answers one line each:
//   index CORPUS DIR POSITIONS(0|1)   builds, merges to one segment; "cpu_s bytes documents"
//   open DIR                          "documents"
//   queries FILE                      lines CLASS<TAB>term term ...; "count"
//   run CLASS K COUNT(0|1) PASSES     one pass over the class; per query the nanoseconds, best of PASSES, then
//                                     "|" and the ids and scores of the hits of each query, ";" between queries
// With the argument "version" it only says Lucene's version and Java's, and ends.
// Compiles against and runs with Lucene 8 to 10; terms are given, nothing is analysed.
import java.io.*;
import java.lang.invoke.*;
import java.lang.management.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.lucene.analysis.*;
import org.apache.lucene.analysis.tokenattributes.*;
import org.apache.lucene.document.*;
import org.apache.lucene.index.*;
import org.apache.lucene.search.*;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.*;
import org.apache.lucene.util.Version;

public class LuceneRival {
  // Cuts at spaces and nothing else.
  static final class Spaces extends Tokenizer {
    private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
    private final char[] buffer = new char[8192];
    private int at, end;

    @Override
    public boolean incrementToken() throws IOException {
      clearAttributes();
      int n = 0;
      while (true) {
        if (at == end) {
          end = input.read(buffer, 0, buffer.length);
          at = 0;
          if (end <= 0) {
            end = 0;
            break;
          }
        }
        char c = buffer[at++];
        if (c == ' ') {
          if (n > 0) break;
          continue;
        }
        char[] t = term.buffer();
        if (n == t.length) t = term.resizeBuffer(n + 1);
        t[n++] = c;
      }
      term.setLength(n);
      return n > 0;
    }

    @Override
    public void reset() throws IOException {
      super.reset();
      at = end = 0;
    }
  }

  static IndexSearcher searcher;
  static Map<String, List<String[]>> queries = new HashMap<>();

  // All threads of the process, collector included: what the machine spent.
  static double processCpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
  }

  static String index(String corpus, String dir, boolean positions) throws IOException {
    Analyzer analyzer =
        new Analyzer() {
          @Override
          protected TokenStreamComponents createComponents(String field) {
            return new TokenStreamComponents(new Spaces());
          }
        };
    IndexWriterConfig config = new IndexWriterConfig(analyzer);
    config.setRAMBufferSizeMB(1024);
    config.setSimilarity(new BM25Similarity(1.2f, 0.75f));
    config.setMergeScheduler(new SerialMergeScheduler());
    // Merges neighbours only: ids stay the numbers of the lines, by which hits are compared.
    config.setMergePolicy(new LogByteSizeMergePolicy());
    FieldType type = new FieldType();
    type.setTokenized(true);
    type.setIndexOptions(positions ? IndexOptions.DOCS_AND_FREQS_AND_POSITIONS : IndexOptions.DOCS_AND_FREQS);
    type.freeze();
    double begin = processCpu();
    int documents = 0;
    try (Directory directory = FSDirectory.open(Paths.get(dir));
        IndexWriter writer = new IndexWriter(directory, config);
        BufferedReader in =
            new BufferedReader(new InputStreamReader(new FileInputStream(corpus), StandardCharsets.ISO_8859_1), 1 << 20)) {
      for (String line; (line = in.readLine()) != null; documents++) {
        Document doc = new Document();
        doc.add(new Field("t", line, type));
        writer.addDocument(doc);
      }
      writer.forceMerge(1);
    }
    double cpu = processCpu() - begin;
    long bytes = 0;
    for (File f : new File(dir).listFiles()) bytes += f.length();
    return cpu + " " + bytes + " " + documents;
  }

  static Query term(String t) {
    return new TermQuery(new Term("t", t));
  }

  static Query query(String cls, String[] t) {
    if (t.length == 1) return term(t[0]);
    BooleanQuery.Builder b = new BooleanQuery.Builder();
    if (cls.startsWith("phrase")) return new PhraseQuery("t", t);
    if (cls.startsWith("mix")) {
      BooleanQuery.Builder any = new BooleanQuery.Builder();
      for (int i = 1; i < t.length; i++) any.add(term(t[i]), BooleanClause.Occur.SHOULD);
      b.add(term(t[0]), BooleanClause.Occur.MUST);
      b.add(any.build(), BooleanClause.Occur.MUST);
      return b.build();
    }
    BooleanClause.Occur occur = cls.startsWith("and") ? BooleanClause.Occur.MUST : BooleanClause.Occur.SHOULD;
    for (String s : t) b.add(term(s), occur);
    return b.build();
  }

  // Makes collectors of the best documents. Lucene 8 and 9 have a static method, which is their
  // fastest for one thread; 10 only has a manager. Constants of the class: compiled to plain calls.
  static final MethodHandle CREATE, MANAGER;

  static {
    MethodHandles.Lookup lookup = MethodHandles.publicLookup();
    MethodHandle create = null, manager = null;
    try {
      create =
          lookup.findStatic(
              TopScoreDocCollector.class,
              "create",
              MethodType.methodType(TopScoreDocCollector.class, int.class, int.class));
    } catch (ReflectiveOperationException older) {
      try {
        Class<?> type = Class.forName("org.apache.lucene.search.TopScoreDocCollectorManager");
        manager =
            lookup
                .findConstructor(type, MethodType.methodType(void.class, int.class, int.class))
                .asType(MethodType.methodType(CollectorManager.class, int.class, int.class));
      } catch (ReflectiveOperationException neither) {
        throw new ExceptionInInitializerError(neither);
      }
    }
    CREATE = create;
    MANAGER = manager;
  }

  // What `create` makes, by way of the one search method that all versions have.
  static final class Single implements CollectorManager<TopScoreDocCollector, TopDocs> {
    private final TopScoreDocCollector collector;

    Single(TopScoreDocCollector collector) {
      this.collector = collector;
    }

    @Override
    public TopScoreDocCollector newCollector() {
      return collector;  // asked for once: the searcher has no executor
    }

    @Override
    public TopDocs reduce(Collection<TopScoreDocCollector> collectors) {
      return collector.topDocs();
    }
  }

  @SuppressWarnings("unchecked")
  static CollectorManager<TopScoreDocCollector, TopDocs> best(int k, int counted) {
    try {
      if (CREATE != null) return new Single((TopScoreDocCollector) CREATE.invokeExact(k, counted));
      return (CollectorManager<TopScoreDocCollector, TopDocs>)
          (CollectorManager) MANAGER.invokeExact(k, counted);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static TopDocs search(String cls, String[] terms, int k, boolean count) throws IOException {
    return searcher.search(query(cls, terms), best(k, count ? Integer.MAX_VALUE : k));
  }

  static void run(String cls, int k, boolean count, int passes, PrintStream out) throws IOException {
    List<String[]> all = queries.get(cls);
    StringBuilder times = new StringBuilder(), hits = new StringBuilder();
    long[] best = new long[all.size()];
    Arrays.fill(best, Long.MAX_VALUE);
    TopDocs[] found = new TopDocs[all.size()];
    for (int pass = 0; pass < passes; pass++) {
      for (int q = 0; q < best.length; q++) {
        long begin = System.nanoTime();
        found[q] = search(cls, all.get(q), k, count);
        best[q] = Math.min(best[q], System.nanoTime() - begin);
      }
    }
    for (int q = 0; q < best.length; q++) {
      times.append(best[q]).append(' ');
      for (ScoreDoc d : found[q].scoreDocs) hits.append(d.doc).append(' ').append(d.score).append(' ');
      hits.append(';');
    }
    out.println(times + "|" + hits);
  }

  public static void main(String[] args) throws Exception {
    if (args.length > 0) {
      System.out.println(Version.LATEST + " " + Runtime.version().feature());
      return;
    }
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.ISO_8859_1));
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "ISO-8859-1");
    for (String line; (line = in.readLine()) != null; ) {
      String[] a = line.split(" ");
      switch (a[0]) {
        case "index":
          out.println(index(a[1], a[2], a[3].equals("1")));
          break;
        case "open":
          searcher = new IndexSearcher(DirectoryReader.open(MMapDirectory.open(Paths.get(a[1]))));
          searcher.setSimilarity(new BM25Similarity(1.2f, 0.75f));
          searcher.setQueryCache(null);
          out.println(searcher.getIndexReader().numDocs());
          break;
        case "queries":
          queries.clear();
          int n = 0;
          for (String q : Files.readAllLines(Paths.get(a[1]), StandardCharsets.ISO_8859_1)) {
            String[] parts = q.split("\t");
            queries.computeIfAbsent(parts[0], x -> new ArrayList<>()).add(parts[1].split(" "));
            n++;
          }
          out.println(n);
          break;
        case "run":
          run(a[1], Integer.parseInt(a[2]), a[3].equals("1"), Integer.parseInt(a[4]), out);
          break;
        default:
          out.println("unknown command");
      }
      out.flush();
    }
  }
}
