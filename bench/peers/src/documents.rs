//! Keys and documents: the same ones for everybody, made from a number.

/// A bijection of the 64-bit integers (the finalizer of SplitMix64).
pub fn scatter(index: u64) -> u64 {
    let mut z = index.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Numbers that look random and are the same in every run.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(scatter(seed))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        scatter(self.0)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// A number from 0 up to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Keys in the order of their numbers.
pub fn ordered_key(index: u64) -> String {
    format!("user:{index:016}")
}

/// Keys whose order has nothing to do with their numbers.
pub fn scattered_key(index: u64) -> String {
    format!("user:{:016x}", scatter(index))
}

/// A document of about 300 bytes with nested fields.
pub fn document(index: u64) -> String {
    let random = scatter(index);
    let word = |salt: u64| format!("{:x}", scatter(random ^ salt));
    format!(
        concat!(
            r#"{{"name":"user {}","age":{},"address":{{"city":"city {}","street":"{} {}","zip":"{}"}},"#,
            r#""email":"{}@example.org","tags":["{}","{}"],"active":{},"score":{}.{},"note":"{} {} {} {}"}}"#
        ),
        index,
        random % 90,
        random % 1000,
        word(1),
        random % 300,
        random % 100_000,
        word(2),
        random % 50,
        random % 70,
        random.is_multiple_of(2),
        random % 1000,
        random % 97,
        word(3),
        word(4),
        word(5),
        word(6),
    )
}

/// A record of YCSB: ten fields of a hundred printable characters.
pub fn record(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::with_capacity(1200);
    for field in 0..10 {
        text.push_str(if field == 0 { "{" } else { "," });
        text.push_str(&format!("\"field{field}\":\""));
        for _ in 0..20 {
            // Five characters of 64 that JSON leaves as they are, out of each number.
            let mut bits = random.next();
            for _ in 0..5 {
                text.push(char::from(
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ."[bits as usize & 63],
                ));
                bits >>= 6;
            }
        }
        text.push('"');
    }
    text.push('}');
    text
}

/// Numbers below a bound of which the small ones are frequent, as YCSB makes them (Gray et al., "Quickly generating
/// billion-record synthetic databases").
#[derive(Debug, Clone)]
pub struct Zipfian {
    items: u64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipfian {
    const THETA: f64 = 0.99;

    pub fn new(items: u64) -> Self {
        let zeta_of = |n: u64| (1..=n).map(|i| (i as f64).powf(-Self::THETA)).sum::<f64>();
        let zeta = zeta_of(items);
        let eta = (1.0 - (2.0 / items as f64).powf(1.0 - Self::THETA)) / (1.0 - zeta_of(2.min(items)) / zeta);
        Self { items, zeta, alpha: 1.0 / (1.0 - Self::THETA), eta }
    }

    /// A rank: 0 is the most frequent.
    pub fn rank(&self, random: &mut Random) -> u64 {
        let u = random.fraction();
        let share = u * self.zeta;
        if share < 1.0 {
            return 0;
        }
        if share < 1.0 + 0.5f64.powf(Self::THETA) {
            return 1;
        }
        let rank = self.items as f64 * (self.eta * u - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.items - 1)
    }

    /// An item: the frequent ones are spread over all of them.
    pub fn item(&self, random: &mut Random) -> u64 {
        scatter(self.rank(random)) % self.items
    }
}
