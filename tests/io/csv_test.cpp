#include "plexus/io/csv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "io/allocations.h"
#include "io/files.h"

namespace plexus {
namespace {

using test::operator""_bytes;
using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

class Csv : public testing::Test {
 protected:
  Table load(const std::string& bytes, const CsvOptions& options = {}) {
    return load_csv(directory.write("a.csv", bytes), options);
  }
  std::string refusal(const std::string& bytes) {
    const std::string path = directory.write("a.csv", bytes);
    return test::error<FormatError>(path, [&] { load_csv(path); });
  }
  test::Directory directory;
};

Numbers numbers(const Table& table, size_t column) { return std::get<0>(table.columns.at(column).values); }
Texts texts(const Table& table, size_t column) { return std::get<1>(table.columns.at(column).values); }
Texts names(const Table& table) {
  Texts result;
  for (const Column& column : table.columns) result.push_back(column.name);
  return result;
}

TEST_F(Csv, ReadsNumbersAndText) {
  const Table table = load("5.1,3.5,setosa\n4.9,3,virginica\n");
  EXPECT_EQ(table.file, directory.path("a.csv"));
  EXPECT_EQ(table.rows(), 2);
  EXPECT_EQ(table.columns.size(), 3u);
  EXPECT_EQ(numbers(table, 0), (Numbers{5.1, 4.9}));
  EXPECT_EQ(numbers(table, 1), (Numbers{3.5, 3}));
  EXPECT_EQ(texts(table, 2), (Texts{"setosa", "virginica"}));
  EXPECT_EQ(names(table), (Texts{"", "", ""}));
  EXPECT_EQ(table.lines, (std::vector<int64_t>{1, 2}));
}

TEST_F(Csv, TextAboveNumbersIsAHeader) {
  const Table table = load("length,\"width, cm\",species\n1,2,setosa\n3,4,virginica\n");
  EXPECT_EQ(names(table), (Texts{"length", "width, cm", "species"}));
  EXPECT_EQ(numbers(table, 0), (Numbers{1, 3}));
  EXPECT_EQ(texts(table, 2), (Texts{"setosa", "virginica"}));
  EXPECT_EQ(table.lines, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(names(load("id,2019,2020\n1,5,6\n")), (Texts{"id", "2019", "2020"}));
  EXPECT_EQ(names(load(",x,y\n0,5,6\n1,7,8\n")),
            (Texts{"", "x", "y"}));  // the row numbers that pandas writes
}

TEST_F(Csv, WithoutTextAboveNumbersThereIsNoHeader) {
  EXPECT_EQ(load("1,2\n3,4\n").rows(), 2);
  EXPECT_EQ(load("name,kind\na,b\nc,d\n").rows(), 3);
  EXPECT_EQ(load("a,b\n").rows(), 1);
  const Table late = load("x,1\n2,1\ny,1\n");
  EXPECT_EQ(texts(late, 0), (Texts{"x", "2", "y"}));
}

TEST_F(Csv, OneFieldThatIsNoNumberMakesAColumnText) {
  const Table table = load("1,2\n3,oops\n5,6\n");
  EXPECT_EQ(texts(table, 1), (Texts{"2", "oops", "6"}));
  EXPECT_EQ(table.columns[1].text_line, 2);
  EXPECT_EQ(table.columns[0].text_line, 0);
  EXPECT_EQ(load("setosa\nvirginica\n").columns[0].text_line, 1);
}

TEST_F(Csv, WordsForMissingAreTextAmongText) {
  EXPECT_EQ(texts(load("DE,1\nNA,2\nNone,3\n"), 0), (Texts{"DE", "NA", "None"}));
  EXPECT_EQ(texts(load("DE,1\n1e400,2\n"), 0), (Texts{"DE", "1e400"}));
}

TEST_F(Csv, LinesEndInEveryWay) {
  for (const char* text :
       {"1,2\n3,4\n", "1,2\n3,4", "1,2\r\n3,4\r\n", "1,2\r\n3,4", "1,2\r3,4\r", "1,2\r3,4", "1,2\r\n3,4\n",
        "\xEF\xBB\xBF"
        "1,2\n3,4\n",
        "1,2\n3,4\n\n\n", "1,2\n3,4\n  \t\n "}) {
    const Table table = load(text);
    EXPECT_EQ(numbers(table, 0), (Numbers{1, 3})) << text;
    EXPECT_EQ(numbers(table, 1), (Numbers{2, 4})) << text;
    EXPECT_EQ(table.lines, (std::vector<int64_t>{1, 2})) << text;
  }
}

TEST_F(Csv, EmptyLinesAreSkippedAndCounted) {
  const Table table = load("\n\r\n1,2\n\n  \n3,4\r\r5,6\n");
  EXPECT_EQ(numbers(table, 0), (Numbers{1, 3, 5}));
  EXPECT_EQ(table.lines, (std::vector<int64_t>{3, 6, 8}));
}

TEST_F(Csv, AnEmptyLineInOneColumnIsAMissingValue) {
  EXPECT_EQ(refusal("1\n\n3\n"), "line 2: column 1: missing value; fill it in or remove the row");
  EXPECT_EQ(refusal("x\n1\n \n3\n"), "line 3: column 1 ('x'): missing value; fill it in or remove the row");
  EXPECT_EQ(load("\n1\n2\n\n\n").rows(), 2);
}

TEST_F(Csv, QuotesHoldAnything) {
  const Table table = load(
      "\"a,b\",1\n\"say \"\"hi\"\"\",2\n\"two\r\nlines\",3\n  \" spaces \"  "
      ",4\n\"\"\"\",5\nin\"side,\"6\"\n");
  EXPECT_EQ(texts(table, 0), (Texts{"a,b", "say \"hi\"", "two\r\nlines", " spaces ", "\"", "in\"side"}));
  EXPECT_EQ(numbers(table, 1), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(table.lines, (std::vector<int64_t>{1, 2, 3, 5, 6, 7}));
}

TEST_F(Csv, BadQuotesAreRefused) {
  EXPECT_EQ(refusal("1,2\n3,\"4\n5,6\n"), "line 2: a quote is opened here and never closed");
  EXPECT_EQ(refusal("\"a\nb\",\"c\n\n"), "line 2: a quote is opened here and never closed");
  EXPECT_EQ(refusal("1,2\n\"3\"4,5\n"),
            "line 2: expected a delimiter after a closing quote, found '4,5'; a quote inside a quoted field "
            "is written twice");
}

TEST_F(Csv, TheDelimiterIsFoundInTheFirstLine) {
  EXPECT_EQ(load("1;2;3\n4;5;6\n").columns.size(), 3u);
  EXPECT_EQ(load("1\t2\t3\n4\t5\t6\n").columns.size(), 3u);
  EXPECT_EQ(load("1;2;3,5\n4;5;6,5\n").columns.size(), 3u);
  EXPECT_EQ(load("\"a;b;c\",x\n1,2\n").columns.size(), 2u);
  EXPECT_EQ(load("\"a\n;;;\",x\n1,2\n").columns.size(), 2u);
  EXPECT_EQ(load("\n\n1;2\n").columns.size(), 2u);
  EXPECT_EQ(load("1\n2\n").columns.size(), 1u);
}

TEST_F(Csv, QuotesInTheFirstLineDoNotHideDelimiters) {
  EXPECT_EQ(load("5\" disk;3\n6\" disk;4\n").columns.size(), 2u);
  EXPECT_EQ(load("\"a \"\";;\"\" b\",x\n1,2\n").columns.size(), 2u);
  EXPECT_EQ(load(" \"a;;\", \";;\"\n1,2\n").columns.size(), 2u);
  EXPECT_EQ(load("1|2|3,5\n4|5|6,5\n").columns.size(), 3u);
}

TEST_F(Csv, TheHeaderCanBeGiven) {
  const Table named = load("2019,2020\n1,2\n", {.header = true});
  EXPECT_EQ(names(named), (Texts{"2019", "2020"}));
  EXPECT_EQ(numbers(named, 1), (Numbers{2}));
  const Table texts_only = load("name,kind\na,b\n", {.header = true});
  EXPECT_EQ(names(texts_only), (Texts{"name", "kind"}));
  EXPECT_EQ(texts(texts_only, 1), (Texts{"b"}));
  const Table unnamed = load("x,y\n1,2\n", {.header = false});
  EXPECT_EQ(names(unnamed), (Texts{"", ""}));
  EXPECT_EQ(texts(unnamed, 0), (Texts{"x", "1"}));
  EXPECT_EQ(unnamed.columns[0].text_line, 1);
  EXPECT_EQ(load("x,y\n", {.header = true}).rows(), 0);
}

TEST_F(Csv, TheDelimiterCanBeGiven) {
  EXPECT_EQ(texts(load("1,2|3,4\n", {.delimiter = '|'}), 1), (Texts{"3,4"}));
  EXPECT_EQ(numbers(load("1\t 2\n", {.delimiter = '\t'}), 1), (Numbers{2}));
  for (const char bad : {'"', '\n', '\r', ' '})
    EXPECT_THROW(load("1,2\n", {.delimiter = bad}), ArgumentError);
}

TEST_F(Csv, TabsSeparateEmptyFieldsToo) {
  EXPECT_EQ(refusal("1\t2\t3\n4\t\t6\n"), "line 2: column 2: missing value; fill it in or remove the row");
  EXPECT_EQ(refusal("1\t2\n\t\n"), "line 2: column 1: missing value; fill it in or remove the row");
}

TEST_F(Csv, RaggedRowsAreRefused) {
  EXPECT_EQ(refusal("1,2,3\n4,5,6\n7,8\n"), "line 3: expected 3 fields as in the first row, found 2");
  EXPECT_EQ(refusal("1,2\n\"a\nb\",2\n7,8,9\n"), "line 4: expected 2 fields as in the first row, found 3");
  EXPECT_EQ(refusal("1\n2,3\n"), "line 2: expected 1 field as in the first row, found 2");
  EXPECT_EQ(refusal("1,2\n3,4,\n"), "line 2: expected 2 fields as in the first row, found 3");
}

TEST_F(Csv, MissingFieldsAreRefused) {
  EXPECT_EQ(refusal("a,b,c\n1,2,3\n4,,6\n"),
            "line 3: column 2 ('b'): missing value; fill it in or remove the row");
  EXPECT_EQ(refusal("1,2\n3,\"\"\n"),
            "line 2: column 2: missing value (a delimiter at the end of a line begins another field); fill "
            "it in or remove the row");
  EXPECT_EQ(refusal("1,2,\n3,4,\n"),
            "line 1: column 3: missing value (a delimiter at the end of a line begins another field); fill "
            "it in or remove the row");
  EXPECT_EQ(refusal(",2\n3,4\n"), "line 1: column 1: missing value; fill it in or remove the row");
  EXPECT_EQ(refusal("a,b\n1,2\n3,?\nNA,4\n"),
            "line 3: column 2 ('b'): missing value '?'; fill it in or remove the row");
  EXPECT_EQ(refusal("text,1\n,2\n"), "line 2: column 1: missing value; fill it in or remove the row");
}

TEST_F(Csv, MissingFieldsCanBeKept) {
  const CsvOptions keep{.missing = MissingFields::keep};
  const Table table = load("a,b,c\n1,,x\nNA,2,\n3,?,NA\n\"\",4,y\n", keep);
  EXPECT_EQ(names(table), (Texts{"a", "b", "c"}));
  EXPECT_EQ(table.columns[0].missing, (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(table.columns[1].missing, (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(table.columns[2].missing, (std::vector<int64_t>{1}));
  EXPECT_EQ(numbers(table, 0)[0], 1);
  EXPECT_TRUE(std::isnan(numbers(table, 0)[1]));
  EXPECT_EQ(numbers(table, 0)[2], 3);
  EXPECT_TRUE(std::isnan(numbers(table, 0)[3]));
  EXPECT_EQ(texts(table, 2), (Texts{"x", "", "NA", "y"}));

  const Table unnamed = load(",1\nNA,nan\n3,\n", keep);
  EXPECT_EQ(unnamed.columns[0].missing, (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(unnamed.columns[1].missing, (std::vector<int64_t>{2}));
  EXPECT_TRUE(std::isnan(numbers(unnamed, 0)[0]));
  EXPECT_TRUE(std::isnan(numbers(unnamed, 1)[1]));

  const Table above_text = load("NA,1\n,2\nx,3\n", keep);  // found by fuzzing
  EXPECT_EQ(texts(above_text, 0), (Texts{"NA", "", "x"}));
  EXPECT_EQ(above_text.columns[0].missing, (std::vector<int64_t>{1}));

  const Table nothing = load("a,b\n,1\n,2\n", keep);
  EXPECT_EQ(nothing.columns[0].missing, (std::vector<int64_t>{0, 1}));
  EXPECT_FALSE(nothing.columns[0].text());
  EXPECT_THROW(load("1,2\n1e400,\n", keep), FormatError);
}

TEST_F(Csv, EmptyLinesOfOneColumnCanBeKept) {
  const CsvOptions keep{.missing = MissingFields::keep};
  const Table table = load("\nx\n1\n\n\n4\n\n", keep);
  EXPECT_EQ(table.rows(), 4);
  EXPECT_EQ(table.columns[0].missing, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(table.lines, (std::vector<int64_t>{3, 4, 5, 6}));
  EXPECT_EQ(numbers(table, 0)[3], 4);
  const Table text = load("a\n\n  \n\"b\nc\"\n\nd", keep);
  EXPECT_EQ(texts(text, 0), (Texts{"a", "", "", "b\nc", "", "d"}));
  EXPECT_EQ(text.columns[0].missing, (std::vector<int64_t>{1, 2, 4}));
  EXPECT_EQ(text.lines, (std::vector<int64_t>{1, 2, 3, 4, 6, 7}));
}

TEST_F(Csv, SavedIsLoadedAgain) {
  const std::string path = directory.path("saved.csv");
  Table table;
  table.columns = {
      {.name = "n", .values = Numbers{0.1, -0.0, 5e-324, 1.7976931348623157e308, std::nan(""), 1234567}},
      {.name = "text, \"x\"",
       .values = Texts{"plain", " blanks\t", "a,b;c", "say \"hi\"", "two\r\nlines", ""},
       .missing = {5}},
      {.name = "", .values = Numbers{1, -HUGE_VAL, 1e-7, 0, 100, HUGE_VAL}, .missing = {3}}};
  for (const char delimiter : {'\0', ';', '\t'}) {
    const CsvOptions options{.delimiter = delimiter, .missing = MissingFields::keep};
    save_csv(path, table, options);
    const Table loaded = load_csv(path, options);
    ASSERT_EQ(names(loaded), (Texts{"n", "text, \"x\"", ""}));
    const Numbers first = numbers(loaded, 0), expected = std::get<0>(table.columns[0].values);
    for (const size_t row : {0, 1, 2, 3, 5}) EXPECT_EQ(first[row], expected[row]);
    EXPECT_TRUE(std::signbit(first[1]) && std::isnan(first[4]));
    EXPECT_EQ(texts(loaded, 1), texts(table, 1));
    EXPECT_EQ(loaded.columns[1].missing, table.columns[1].missing);
    EXPECT_EQ(loaded.columns[2].missing, table.columns[2].missing);
    EXPECT_EQ(numbers(loaded, 2)[1], -HUGE_VAL);
  }
}

TEST_F(Csv, WritesQuotesWhereTheyAreNeeded) {
  const std::string path = directory.path("saved.csv");
  const auto written = [&](const Table& table, const CsvOptions& options = {}) {
    save_csv(path, table, options);
    return test::read_bytes(path);
  };
  Table table;
  table.columns = {{.name = "", .values = Texts{"a", "b,c", "\""}},
                   {.name = "", .values = Numbers{1, 0.5, 1e300}}};
  EXPECT_EQ(written(table), "a,1\n\"b,c\",0.5\n\"\"\"\",1e+300\n");
  EXPECT_EQ(written(table, {.delimiter = ';'}), "a;1\nb,c;0.5\n\"\"\"\";1e+300\n");
  table.columns[1].name = "n";
  EXPECT_EQ(written(table), ",n\na,1\n\"b,c\",0.5\n\"\"\"\",1e+300\n");
  EXPECT_EQ(written(table, {.header = false}), "a,1\n\"b,c\",0.5\n\"\"\"\",1e+300\n");
  Table alone;
  alone.columns = {{.name = "\xEF\xBB\xBFx", .values = Numbers{1, 2}, .missing = {0}}};
  EXPECT_EQ(written(alone), "\"\xEF\xBB\xBFx\"\n\"\"\n2\n");
  EXPECT_EQ(written({}), "");
}

TEST_F(Csv, RefusesToWriteWhatIsNoTable) {
  const std::string path = directory.path("saved.csv");
  Table table;
  table.columns = {{.name = "", .values = Numbers{1, 2}}, {.name = "", .values = Texts{"a"}}};
  EXPECT_EQ(test::error<ArgumentError>("save_csv", [&] { save_csv(path, table); }),
            "column 2 has 1 rows, column 1 has 2");
  table.columns[1].values = Texts{"a", "\0"_bytes};
  EXPECT_EQ(test::error<ArgumentError>("save_csv", [&] { save_csv(path, table); }),
            "column 2 holds a NUL byte, which text files cannot");
  EXPECT_EQ(test::error<ArgumentError>("save_csv", [&] { save_csv(path, {}, {.delimiter = '"'}); }),
            "'\"' cannot be a delimiter");
  EXPECT_TRUE(directory.names().empty());
}

TEST_F(Csv, WhatIsNoTextIsRefused) {
  EXPECT_EQ(refusal(""), "the file is empty");
  EXPECT_EQ(refusal("\n\n  \n"), "the file has no rows");
  EXPECT_EQ(refusal("\xEF\xBB\xBF"), "the file has no rows");
  EXPECT_EQ(refusal("\xFF\xFE"
                    "1\0,\0"_bytes),
            "byte 0: UTF-16 or binary data; save it as UTF-8 text");
  EXPECT_EQ(refusal("\xFE\xFF\0001"_bytes), "byte 0: UTF-16 or binary data; save it as UTF-8 text");
  EXPECT_EQ(refusal("1\0,\0002\0"_bytes), "byte 0: UTF-16 or binary data; save it as UTF-8 text");
  EXPECT_EQ(refusal("1,2\r3,4\r\n5,\0\n"_bytes), "line 3: a NUL byte; this is not text");
  EXPECT_EQ(refusal(test::gzip("1,2\n")), "byte 0: compressed with gzip; decompress it first (gunzip)");
}

TEST_F(Csv, MessagesStayOnOneLine) {
  EXPECT_EQ(refusal("\"a\nb\x1b[1m\",c\n1,2\n,4\n"),
            "line 4: column 1 ('a\\x0ab\\x1b[1m'): missing value; fill it in or remove the row");
}

TEST_F(Csv, TakesLongFieldsAndManyColumns) {
  const std::string field(1 << 20, '"');
  const std::string quoted = "\"" + field + "\"";
  EXPECT_EQ(texts(load(quoted + ",1\n"), 0)[0].size(), field.size() / 2);
  std::string wide = "1";
  for (int i = 1; i < 1 << 18; ++i) wide += ",1";
  EXPECT_EQ(load(wide).columns.size(), size_t(1) << 18);
  EXPECT_EQ(refusal(wide + ",1"), "line 1: more than 262144 columns");
}

TEST_F(Csv, TakesAFieldOf100MegabytesLong) {
  const std::string field(100 << 20, 'x');
  EXPECT_EQ(texts(load(field + ",1\n"), 0)[0].size(), field.size());
  EXPECT_EQ(texts(load("\"" + field + "\",1\n"), 0)[0].size(), field.size());
  EXPECT_EQ(refusal("1,\"" + field), "line 1: a quote is opened here and never closed");
}

// Every kind of content that a file can have, here.
const std::string small =
    "\xEF\xBB\xBFlength;\"kind, \"\"of\"\"\";n\r\n1.5;a;\"2\"\r\n-3e2; \"b\nc\" ;nan\r\n\r\n0.25;NA;+7\r\n";

TEST_F(Csv, EveryPrefixLoadsOrIsRefused) {
  size_t loaded = 0;
  test::for_each_prefix(small, [&](const std::string& bytes, size_t length) {
    try {
      const Table table = load(bytes);
      for (const Column& column : table.columns)
        EXPECT_EQ(std::visit([](const auto& values) { return values.size(); }, column.values),
                  size_t(table.rows()))
            << length;
      ++loaded;
    } catch (const FormatError&) {
    }
  });
  EXPECT_GT(loaded, 10u);
  EXPECT_LT(loaded, small.size() - 10);
}

// Text has no checksum, and every text of one column is a table. A flipped bit is refused or, where neither
// the character nor what became of it separates or quotes fields, changes one column at most.
TEST_F(Csv, EveryFlippedBitIsRefusedOrChangesOneColumn) {
  const Table original = load(small);
  const auto structural = [](char c) {
    return std::string_view(";,\t| \r\n\"\xEF\xBB\xBF").find(c) != std::string_view::npos;
  };
  int loaded = 0, refused = 0, plain = 0;
  test::reset_largest_allocation();
  test::for_each_flip(small, [&](const std::string& bytes, size_t bit) {
    try {
      const Table table = load(bytes);
      ++loaded;
      for (const Column& column : table.columns)
        EXPECT_EQ(std::visit([](const auto& values) { return values.size(); }, column.values),
                  size_t(table.rows()))
            << bit;
      if (structural(small[bit / 8]) || structural(bytes[bit / 8])) return;
      ++plain;
      ASSERT_EQ(table.columns.size(), original.columns.size()) << bit;
      EXPECT_EQ(table.lines, original.lines) << bit;
      int changed = 0;
      for (size_t i = 0; i < table.columns.size(); ++i) {
        const Column &now = table.columns[i], &before = original.columns[i];
        const auto same_numbers = [](const Numbers& a, const Numbers& b) {
          return std::ranges::equal(
              a, b, [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
        };
        const bool same = now.name == before.name && now.text() == before.text() &&
                          (now.text() ? texts(table, i) == texts(original, i)
                                      : same_numbers(numbers(table, i), numbers(original, i)));
        changed += !same;
      }
      EXPECT_LE(changed, 1) << bit;
    } catch (const FormatError&) {
      ++refused;
    }
  });
  EXPECT_GT(plain, 100);
  EXPECT_GT(refused, 50);
  EXPECT_LT(test::largest_allocation(), size_t(1) << 20);
}

// Tables of fields that are hard to write, written by the rules of RFC 4180 and read again.
TEST_F(Csv, RandomTextsComeBack) {
  std::mt19937 random(1);
  const auto pick = [&](int n) { return int(random() % unsigned(n)); };
  for (int round = 0; round < 200; ++round) {
    const int rows = 1 + pick(5), columns = 1 + pick(4);
    const char delimiter = ",;\t"[pick(3)];
    std::vector<Texts> table(columns);
    std::string text;
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        std::string field = "x", written;
        for (int i = pick(6); i > 0; --i) field += "a1 ,;\t\"\n\r."[pick(10)];
        for (const char c : field) written += c == '"' ? "\"\"" : std::string(1, c);
        text += (column > 0 ? std::string(1, delimiter) : "") + '"' + written + '"';
        table[column].push_back(field);
      }
      text += pick(2) ? "\n" : "\r\n";
    }
    const Table read = load(text, {.delimiter = delimiter});
    ASSERT_EQ(read.columns.size(), size_t(columns)) << text;
    for (int column = 0; column < columns; ++column) ASSERT_EQ(texts(read, column), table[column]) << text;
  }
}

}  // namespace
}  // namespace plexus
