// The expected cost over mid of x shares in a symbol's first period, from params.json.
//
//   g++ -std=c++17 -O2 first_cost.cpp -o first_cost     (Debian: nlohmann-json3-dev)
//   ./first_cost out/params.json SIM0 500
//
// A solver in production reads the file once, resolved through out/current, and checks it first
// with `impact verify`. Keys that it does not know are left aside; another schema is refused.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

int main(int count, char** given) {
    if (count != 4) {
        std::fprintf(stderr, "usage: first_cost params.json SYMBOL SHARES\n");
        return 2;
    }
    try {
        std::ifstream file(given[1]);
        if (!file) throw std::runtime_error("cannot be opened");
        const auto params = nlohmann::json::parse(file);
        const auto schema = params.at("schema").get<std::string>();
        if (schema != "impact-params/2") throw std::runtime_error("schema " + schema + " is not read");
        const auto& symbol = params.at("symbols").at(given[2]);
        const auto &law = symbol.at("law"), &period = symbol.at("periods").at(0);
        const auto of = [](const auto& part, const char* key) { return part.at(key).template get<double>(); };
        const double x = std::strtod(given[3], nullptr);
        const double state = 1.0 + of(law, "beta") * of(period, "volatility");
        const double scale = of(period, "alpha") * state * of(period, "liquidity");
        std::printf("%.17g\n", of(period, "spread") * x + scale * std::pow(x, of(law, "k")));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", given[1], error.what());
        return 2;
    }
    return 0;
}
