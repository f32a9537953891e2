/*
  Random relations F(u, m) = 0, random solvers, random sequences of calls: what Dini returns is held against a dense copy.

  A relation is drawn in numbers of order one, G(v, q) = 0 on n unknowns v and M parameters q, and handed to Dini in units:
    u_j = c_j v_j, m_k = d_k q_k, F_i = r_i G_i.
  The copy that the oracle differentiates is held on every rank and knows no units, no distribution and no PETSc solver.
*/
#pragma once
#include "support/dinitest.h"
#include <stdint.h>

#define FUZZ_N    12   /* most unknowns */
#define FUZZ_B    5    /* most blocks */
#define FUZZ_WIDE 1e3  /* units that differ by more are unlike */
#define FUZZ_M    40   /* most parameters in all blocks */
#define FUZZ_TEXT 8192 /* the description of a case */

/* ---- random.c: the same numbers on all ranks, from the seed alone ---- */
typedef struct {
  uint64_t state;
} Random;

extern PetscInt    RandomInt(Random *, PetscInt n); /* 0 .. n - 1 */
extern PetscBool   RandomChance(Random *, PetscReal probability);
extern PetscReal   RandomReal(Random *, PetscReal from, PetscReal to);
extern PetscReal   RandomSigned(Random *, PetscReal from, PetscReal to); /* of either sign */
extern PetscReal   RandomPower(Random *, PetscReal from, PetscReal to);  /* 10^x, x between */
extern PetscScalar RandomScalar(Random *, PetscBool imaginary);          /* in the unit square */
/* n items over the ranks, some of which may have none */
extern void RandomLayout(Random *, PetscInt n, PetscMPIInt size, PetscMPIInt rank, PetscInt *local);

/* ---- relation.c: G(v, q) and its derivatives ---- */
typedef enum { TYPE_SNES, TYPE_KSP, TYPE_FIXEDPOINT, TYPE_SHELL } Type;
typedef enum { SHAPE_LINEAR, SHAPE_SQUARE, SHAPE_EXP, SHAPE_ROOT, SHAPE_RHS, SHAPE_ABSENT } Shape;

typedef struct {
  Type        type;
  PetscBool   imaginary, symmetric, affine; /* affine: in u */
  PetscInt    N, fields, nb, M, size[FUZZ_B], first[FUZZ_B + 1];
  Shape       shape[FUZZ_B];
  PetscScalar A[FUZZ_N][FUZZ_N], shift[FUZZ_N], cubic[FUZZ_N], source[FUZZ_N];
  PetscScalar C[FUZZ_N][FUZZ_M], product[FUZZ_N]; /* product_i q_k v_l with k = pk[i], l = pl[i] */
  PetscInt    pk[FUZZ_N], pl[FUZZ_N];
  PetscReal   c[FUZZ_N], r[FUZZ_N], d[FUZZ_M]; /* units */
  PetscScalar v[FUZZ_N], q[FUZZ_M];            /* a solution, at context 1 */
  PetscBool   wide;                            /* units differ by more than 1e3 among the unknowns or among the rows */
} Relation;

extern PetscErrorCode RelationDraw(Relation *, Type, PetscBool alike, PetscBool even, PetscBool narrow, Random *);
/* A new value for parameter k, in the domain of F */
extern PetscScalar RelationParameter(const Relation *, PetscInt k, Random *);
/* G_i = sum_j A_ij v_j + context (shift_i v_i + cubic_i v_i^3 - source_i) + product_i q_k v_l + sum_k C_ik h(q_k);
   size_i adds up the moduli of its terms */
extern void      RelationValue(const Relation *, PetscScalar context, const PetscScalar v[], const PetscScalar q[],
                               PetscScalar G[], PetscReal size[]);
extern void      RelationInState(const Relation *, PetscScalar context, const PetscScalar v[], const PetscScalar q[],
                                 PetscScalar Gv[FUZZ_N][FUZZ_N]);
extern void      RelationInParameters(const Relation *, const PetscScalar v[], const PetscScalar q[],
                                      PetscScalar Gq[FUZZ_N][FUZZ_M]);
extern PetscBool RelationCouples(const Relation *, PetscInt i, PetscInt j); /* is G_v(i, j) in the pattern? */
extern PetscBool RelationDepends(const Relation *, PetscInt i, PetscInt k); /* is G_q(i, k) in the pattern? */
extern PetscInt  RelationUnits(const Relation *, PetscInt j);               /* a name for the units of unknown j */
extern PetscInt  RelationBlock(const Relation *, PetscInt k);               /* the block of parameter k */

/* ---- oracle.c: the derivative by dense elimination ---- */
typedef struct {
  PetscBool   valid;
  PetscScalar v[FUZZ_N], q[FUZZ_M], context;
  PetscScalar inverse[FUZZ_N][FUZZ_N], Gq[FUZZ_N][FUZZ_M], D[FUZZ_N][FUZZ_M];
  PetscReal   size[FUZZ_N][FUZZ_M]; /* |G_v^{-1}| |G_q|: what rounding in the solves may be relative to */
} Point;

/* The derivative at v, q; false where G_v is singular */
extern PetscBool OracleAt(const Relation *, PetscScalar context, const PetscScalar v[], const PetscScalar q[], Point *);
/* Newton from v; false where it does not converge */
extern PetscBool OracleSolve(const Relation *, PetscScalar context, PetscScalar v[], const PetscScalar q[]);
/* Differences of G against its derivatives: an error of the oracle's own */
extern PetscErrorCode OracleVerify(const Relation *, const Point *);
/* max over the groups of max |x - y| / max size; NaN counts as infinite */
extern PetscReal OracleDistance(PetscInt n, const PetscScalar x[], const PetscScalar y[], const PetscReal size[],
                                PetscInt groups, const PetscInt group[]);
/* The gradient of sum_j (w_j/2) |v_j - 1/2|^2 + sum_k (1/20) |q_k|^2 in q, at a solution */
extern PetscReal OracleObjective(const Relation *, PetscInt which, const Point *, PetscScalar gradient[],
                                 PetscReal size[]);
/* Its Hessian along dq, by differences of that gradient of separate solves */
extern PetscBool OracleHessian(const Relation *, const Point *, const PetscScalar dq[], PetscScalar Hdq[]);
extern PetscReal OracleWeight(PetscInt which, PetscInt j);
