#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <fstream>
#include <limits>
#include <locale>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/files.h"
#include "plexus/io/csv.h"

// Numbers as load_csv reads them.
namespace plexus {
namespace {

class Number : public testing::Test {
 protected:
  // The number that `field` is; nothing where it is text.
  std::optional<double> read(const std::string& field) {
    const Table table = load_csv(directory.write("a.csv", "1\n" + field + "\n"));
    const Column& column = table.columns.at(0);
    if (column.text()) return std::nullopt;
    return std::get<0>(column.values).at(1);
  }
  std::string refusal(const std::string& field) {
    const std::string path = directory.write("a.csv", "1,1\n2," + field + "\n");
    return test::error<FormatError>(path, [&] { load_csv(path); });
  }
  test::Directory directory;
};

TEST_F(Number, IsReadInEverySpelling) {
  EXPECT_EQ(read("0"), 0);
  EXPECT_EQ(read("007"), 7);
  EXPECT_EQ(read("-3"), -3);
  EXPECT_EQ(read("+3"), 3);
  EXPECT_EQ(read("+1.5E+2"), 150);
  EXPECT_EQ(read("1e-2"), 0.01);
  EXPECT_EQ(read(".5"), 0.5);
  EXPECT_EQ(read("5."), 5);
  EXPECT_EQ(read(" 12 "), 12);
  EXPECT_EQ(read("\t12\t"), 12);
  EXPECT_EQ(read("\"12\""), 12);
  EXPECT_EQ(read(" \" 12 \" "), 12);
  EXPECT_TRUE(std::signbit(*read("-0")));
}

TEST_F(Number, IsRoundedOnce) {
  EXPECT_EQ(read("0.1"), 0.1);
  EXPECT_EQ(read("999999999999999"), 999999999999999.0);
  EXPECT_EQ(read("9007199254740993"), 9007199254740992.0);  // 2^53 + 1: a tie, to even
  EXPECT_EQ(read("9007199254740995"), 9007199254740996.0);
  EXPECT_EQ(read("9007199254740993.00000000000000000000000000000000000001"), 9007199254740994.0);
  EXPECT_EQ(read("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(read("2.2250738585072011e-308"), 0x0.fffffffffffffp-1022);  // the largest denormal
  EXPECT_EQ(read("5e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(read("1" + std::string(300, '0')), 1e300);
}

TEST_F(Number, InfinityAndNanAreNumbers) {
  for (const char* text : {"nan", "NaN", "NAN", "-nan", "+nan"}) EXPECT_TRUE(std::isnan(*read(text))) << text;
  for (const char* text : {"inf", "Inf", "INFINITY", "+inf", "infinity"})
    EXPECT_EQ(read(text), HUGE_VAL) << text;
  EXPECT_EQ(read("-inf"), -HUGE_VAL);
}

TEST_F(Number, AllElseIsText) {
  for (const char* text :
       {"0x10",  "0x1p3", "1e",     "1e+",     "e5", ".",  "-",  "+",        "+-1",  "--1", "1-", "1 2",
        "1_000", "1.2.3", "nan(1)", "infinit", "1f", "$1", "1%", "\xD9\xA1", "True", "1d5", "- 1"})
    EXPECT_FALSE(read(text)) << text;
}

TEST_F(Number, BelowTheSmallestIsZero) {
  EXPECT_EQ(read("1e-400"), 0);
  EXPECT_EQ(read("0." + std::string(400, '0') + "1"), 0);
  EXPECT_EQ(read("1e-99999999999999999999999999"), 0);
  EXPECT_EQ(read("0e999999999999999999999"), 0);
  EXPECT_TRUE(std::signbit(*read("-1e-400")));
}

TEST_F(Number, BeyondTheLargestIsRefused) {
  EXPECT_EQ(refusal("1e400"), "line 2: column 2: '1e400' is beyond the range of f64");
  EXPECT_EQ(refusal("-1.8e308"), "line 2: column 2: '-1.8e308' is beyond the range of f64");
  EXPECT_EQ(refusal("1e99999999999999999999"),
            "line 2: column 2: '1e99999999999999999999' is beyond the range of f64");
  EXPECT_EQ(refusal("1" + std::string(400, '0')),
            "line 2: column 2: '1" + std::string(39, '0') + "...' is beyond the range of f64");
  EXPECT_EQ(refusal("1" + std::string(400, '0') + "e-5"),
            "line 2: column 2: '1" + std::string(39, '0') + "...' is beyond the range of f64");
}

TEST_F(Number, MissingIsRefused) {
  for (const std::string word : {"NA", "na", "N/A", "NULL", "null", "None", "?"})
    EXPECT_EQ(refusal(word), "line 2: column 2: missing value '" + word + "'; fill it in or remove the row");
}

class Comma : public std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// A program with a user interface in German sets one of these.
TEST_F(Number, DoesNotDependOnTheLocale) {
  const std::string c_locale = std::setlocale(LC_ALL, nullptr);
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Comma));
  EXPECT_EQ(read("1234.5"), 1234.5);
  EXPECT_EQ(read("\"1,5\""), std::nullopt);
  EXPECT_THROW(load_csv(directory.write("a.csv", std::string(1500, '\n') + "1,1\n2\n")), FormatError);
  const std::string path = directory.path("a.csv");
  EXPECT_EQ(test::error<FormatError>(path, [&] { load_csv(path); }),
            "line 1502: expected 2 fields as in the first row, found 1");
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "sv_SE.UTF-8"}) {
    if (std::setlocale(LC_ALL, name) == nullptr) continue;
    EXPECT_EQ(read("1234.5"), 1234.5) << name;
    EXPECT_EQ(read("+1e-3"), 1e-3) << name;
  }
  std::locale::global(before);
  std::setlocale(LC_ALL, c_locale.c_str());
}

// Of a file of several lines: the numbers of a column, or nothing where it is text.
std::optional<std::vector<double>> column(const Table& table, size_t i) {
  const Column& column = table.columns.at(i);
  if (column.text()) return std::nullopt;
  return std::get<0>(column.values);
}

TEST_F(Number, BetweenSemicolonsCommasAreDecimal) {
  using Numbers = std::vector<double>;
  const auto load = [&](const std::string& bytes) { return load_csv(directory.write("a.csv", bytes)); };
  const Table table = load("weight;kind;count\n1,5;a;3\n-,25;b;4,0e1\n+12,345;c;5.5\n");
  EXPECT_EQ(table.columns[0].name, "weight");
  EXPECT_EQ(column(table, 0), (Numbers{1.5, -0.25, 12.345}));
  EXPECT_EQ(column(table, 1), std::nullopt);
  EXPECT_EQ(column(table, 2), (Numbers{3, 40, 5.5}));
  EXPECT_EQ(column(load("36,9;17,7;195,9\n51,7;15,2;0,125\n"), 2), (Numbers{195.9, 0.125}));
  EXPECT_EQ(column(load("\"1,5\"; 2,5 \n"), 0), (Numbers{1.5}));
  EXPECT_EQ(column(load("\"1,5\"; 2,5 \n"), 1), (Numbers{2.5}));
  EXPECT_EQ(column(load("a\tb\n1,5\t1\n"), 0), std::nullopt);
  const std::string path = directory.write("a.csv", "1;1,5\n2;1,5e400\n");
  EXPECT_EQ(test::error<FormatError>(path, [&] { load_csv(path); }), "line 2: column 2: '1,5e400' is beyond the range of f64");
}

// "1,234" may be a thousand and more: it is a number only where the file has commas that cannot stand before thousands.
TEST_F(Number, WhoseCommaMayGroupThousandsIsText) {
  using Numbers = std::vector<double>;
  const auto load = [&](const std::string& bytes) { return load_csv(directory.write("a.csv", bytes)); };
  const Table doubtful = load("a;b\n1,234;1\n950;2\n");
  EXPECT_EQ(std::get<1>(doubtful.columns[0].values), (std::vector<std::string>{"1,234", "950"}));
  EXPECT_EQ(doubtful.columns[0].text_line, 2);
  EXPECT_EQ(column(doubtful, 1), (Numbers{1, 2}));
  EXPECT_EQ(column(load_csv(directory.write("a.csv", "12,345;1\n"), {.header = false}), 0), std::nullopt);
  EXPECT_EQ(column(load("a;b\n1,234;1\n9,500;0,5\n"), 0), (Numbers{1.234, 9.5}));
  EXPECT_EQ(column(load("a;b\n0,234;1\n9,500;2\n"), 0), (Numbers{0.234, 9.5}));
  for (const char* field : {"1,234,567", "1.234,5", "1,5x", ","})
    EXPECT_EQ(column(load(std::string("a;b\n") + field + ";1,5\n"), 0), std::nullopt) << field;
}

}  // namespace
}  // namespace plexus
