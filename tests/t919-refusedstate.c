static char help[] =
    "A number that F depends on and that is no parameter changes after the solve: refused once, all derivatives are refused\n\
until the next solve. Where J is applied by differences, they notice between two of them, for one residual a call.\n";

#include "support/dinitest.h"

#define LOCAL   4 /* entries on each rank */
#define COLUMNS 3 /* of a block */

/* u + k u^3 - m - shift = 0, entry by entry: du/dm = 1 / (1 + 3 k u^2) */
typedef struct {
  PetscReal k, shift;
  PetscInt  calls;
  Vec       u, m;
  SNES      snes;
  Dini      dini;
} Number;

typedef enum { JVP, VJP, TANGENT, ADJOINT, MATJVP, MATVJP, DERIVATIVES } Derivative;

static const char *const derivatives[] = {"DiniJVP()",          "DiniVJP()",    "DiniTangentSolve()",
                                          "DiniAdjointSolve()", "DiniMatJVP()", "DiniMatVJP()"};

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Number            *c = (Number *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  c->calls++;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < LOCAL; i++) f[i] = a[i] + c->k * a[i] * a[i] * a[i] - m[i] - c->shift;
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const Number      *c = (const Number *)ctx;
  const PetscScalar *a;
  PetscInt           lo;

  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(VecGetOwnershipRange(u, &lo, NULL));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = 0; i < LOCAL; i++)
    PetscCall(MatSetValue(P, lo + i, lo + i, 1.0 + 3.0 * c->k * a[i] * a[i], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  if (J != P) {
    PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G = u - F */
static PetscErrorCode Map(Dini dini, Vec u, Vec G, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(Residual(NULL, u, G, ctx));
  PetscCall(VecAYPX(G, -1.0, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Number *c, PetscBool map)
{
  Mat P;

  PetscFunctionBeginUser;
  c->k = 0.5;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, LOCAL, PETSC_DETERMINE, &c->u));
  PetscCall(VecDuplicate(c->u, &c->m));
  PetscCall(DiniTestFill(c->m, 919));
  PetscCall(VecScale(c->m, 0.4)); /* G contracts */
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  if (map) PetscCall(DiniSetFixedPoint(c->dini, Map, c));
  else {
    PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, LOCAL, LOCAL, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &P));
    PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
    PetscCall(SNESSetFunction(c->snes, NULL, Residual, c));
    PetscCall(SNESSetJacobian(c->snes, P, P, Jacobian, c));
    PetscCall(MatDestroy(&P));
    PetscCall(SNESSetTolerances(c->snes, PETSC_DEFAULT, 1e-13, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
    PetscCall(SNESSetFromOptions(c->snes));
    PetscCall(DiniSetSNES(c->dini, c->snes));
  }
  PetscCall(DiniAddParameter(c->dini, "m", c->m, NULL));
  PetscCall(DiniSetParameterType(c->dini, 0, DINIPARAMETERFD));
  PetscCall(DiniSetFromOptions(c->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Number *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = du/dm x, which is a solve with J as well; both are diagonal */
static PetscErrorCode Expected(Number *c, PetscBool adjoint, Vec x, Vec y)
{
  const PetscScalar *a;
  PetscScalar       *b;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(x, y));
  PetscCall(VecGetArrayRead(c->u, &a));
  PetscCall(VecGetArray(y, &b));
  for (PetscInt i = 0; i < LOCAL; i++) {
    const PetscScalar slope = 1.0 + 3.0 * c->k * a[i] * a[i];

    b[i] /= adjoint ? PetscConj(slope) : slope;
  }
  PetscCall(VecRestoreArray(y, &b));
  PetscCall(VecRestoreArrayRead(c->u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectedBlock(Number *c, PetscBool adjoint, Mat X, Mat Y, PetscReal rtol, const char what[])
{
  Vec expected;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(c->u, &expected));
  for (PetscInt j = 0; j < COLUMNS; j++) {
    Vec x, y;

    PetscCall(MatDenseGetColumnVecRead(X, j, &x));
    PetscCall(Expected(c, adjoint, x, expected));
    PetscCall(MatDenseRestoreColumnVecRead(X, j, &x));
    PetscCall(MatDenseGetColumnVecRead(Y, j, &y));
    PetscCall(DiniTestVecsClose(y, expected, rtol, what));
    PetscCall(MatDenseRestoreColumnVecRead(Y, j, &y));
  }
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block or a Vec of it, refused or right */
static PetscErrorCode TryBlock(Number *c, Derivative which, PetscBool refused, PetscReal rtol, const char what[])
{
  const PetscBool adjoint = (PetscBool)(which == MATVJP);
  PetscErrorCode  ierr;
  Mat             X, Y;

  PetscFunctionBeginUser;
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, LOCAL, PETSC_DECIDE, PETSC_DETERMINE, COLUMNS, NULL, &X));
  for (PetscInt j = 0; j < COLUMNS; j++) {
    Vec x;

    PetscCall(MatDenseGetColumnVecWrite(X, j, &x));
    PetscCall(DiniTestFill(x, 500 + j));
    PetscCall(MatDenseRestoreColumnVecWrite(X, j, &x));
  }
  PetscCall(MatAssemblyBegin(X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(X, MAT_DO_NOT_COPY_VALUES, &Y));
  PetscCall(DiniTestCatch());
  ierr = adjoint ? DiniMatVJP(c->dini, X, Y) : DiniMatJVP(c->dini, X, Y);
  if (refused)
    PetscCall(DiniTestCaught(ierr, PETSC_ERR_ARG_WRONGSTATE, "no solution any more", what, __FILE__, __LINE__));
  else {
    PetscCall(DiniTestRelease());
    DiniTestTrue(!ierr, "%s: error %d: %s", what, (int)ierr, DiniTestMessages());
    PetscCall(ExpectedBlock(c, adjoint, X, Y, rtol, what));
  }
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Try(Number *c, Derivative which, PetscBool refused, PetscReal rtol, const char when[])
{
  const PetscBool adjoint = (PetscBool)(which == VJP || which == ADJOINT);
  PetscErrorCode  ierr;
  Vec             x, y, expected;
  char            what[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "%s %s", derivatives[which], when));
  if (which == MATJVP || which == MATVJP) {
    PetscCall(TryBlock(c, which, refused, rtol, what));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniTestVec(c->u, 7 + (PetscInt)which, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &expected));
  PetscCall(DiniTestCatch());
  switch (which) {
  case JVP:
    ierr = DiniJVP(c->dini, x, y);
    break;
  case VJP:
    ierr = DiniVJP(c->dini, x, y);
    break;
  case TANGENT:
    ierr = DiniTangentSolve(c->dini, x, y);
    break;
  default:
    ierr = DiniAdjointSolve(c->dini, x, y);
  }
  if (refused)
    PetscCall(DiniTestCaught(ierr, PETSC_ERR_ARG_WRONGSTATE, "no solution any more", what, __FILE__, __LINE__));
  else {
    PetscCall(DiniTestRelease());
    DiniTestTrue(!ierr, "%s: error %d: %s", what, (int)ierr, DiniTestMessages());
    PetscCall(Expected(c, adjoint, x, expected));
    PetscCall(DiniTestVecsClose(y, expected, rtol, what));
  }
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&expected));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number changes before J is asked for or after, when F_m is next; first: the derivative that meets it */
static PetscErrorCode TestRefused(Derivative first, PetscBool linearized)
{
  Number c = {0};
  char   when[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(when, sizeof(when), "after %s, changed %s", derivatives[first],
                          linearized ? "after a linearization" : "right after the solve"));
  PetscCall(Create(&c, PETSC_FALSE));
  for (int time = 0; time < 2; time++) {
    PetscCall(DiniSolve(c.dini, c.u));
    if (linearized) PetscCall(Try(&c, TANGENT, PETSC_FALSE, 1e-7, "first of all"));
    c.k *= 1.5;
    PetscCall(Try(&c, first, PETSC_TRUE, 0.0, when));
    for (int again = 0; again < 2; again++)
      for (int d = 0; d < DERIVATIVES; d++) PetscCall(Try(&c, (Derivative)d, PETSC_TRUE, 0.0, when));
    PetscCall(DiniSolve(c.dini, c.u));
    for (int d = 0; d < DERIVATIVES; d++) PetscCall(Try(&c, (Derivative)d, PETSC_FALSE, 1e-7, "solved again"));
  }
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define TANGENTS 3

static const Derivative tangents[TANGENTS] = {TANGENT, MATJVP, JVP};

typedef struct {
  const char *options;
  PetscBool   map;   /* a fixed point, with no G_u */
  PetscInt    price; /* of a derivative at a point that has had one, in residuals */
} Way;

/* A matrix does not follow F. The shell of a map is held against itself at each call, for one product by differences */
static const Way ways[] = {
    {"-dini_jacobian_type mf", PETSC_FALSE, 1},
    {"-snes_mf -dini_jacobian_max_columns 0", PETSC_FALSE, 1},
    {"-snes_mf -dini_jacobian_type given -dini_tangent_rtol 1e-7", PETSC_FALSE, 1},
    {"-snes_mf_operator -dini_jacobian_type given -dini_tangent_rtol 1e-7", PETSC_FALSE, 1},
    {"-dini_fixedpoint_max_columns 0", PETSC_TRUE, 3},
    {"-dini_jacobian_type given", PETSC_FALSE, 0},
};

/* J by differences of F as it is now: after a derivative at the same point, too, and where its products stay */
static PetscErrorCode TestApplied(const Way *way, PetscBool shift)
{
  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(way->options));
  for (int t = 0; t < TANGENTS; t++) {
    Number c = {0};

    PetscCall(Create(&c, way->map));
    PetscCall(DiniSolve(c.dini, c.u));
    PetscCall(Try(&c, JVP, PETSC_FALSE, 1e-6, way->options));
    PetscCall(Try(&c, tangents[t], PETSC_FALSE, 1e-6, way->options));
    if (shift) c.shift = 0.1;
    else c.k *= 1.5;
    for (int again = 0; again < 2; again++) {
      PetscCall(Try(&c, tangents[t], PETSC_TRUE, 0.0, way->options));
      for (int d = 0; d < TANGENTS; d++) PetscCall(Try(&c, tangents[d], PETSC_TRUE, 0.0, way->options));
    }
    PetscCall(DiniSolve(c.dini, c.u));
    for (int d = 0; d < TANGENTS; d++) PetscCall(Try(&c, tangents[d], PETSC_FALSE, 1e-6, way->options));
    PetscCall(Destroy(&c));
  }
  PetscCall(DiniTestOptionsClear(way->options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Residuals of tangents at a point that has had one */
static PetscErrorCode Count(const Way *way, PetscBool guard, PetscInt calls[TANGENTS])
{
  Number c = {0};

  PetscFunctionBeginUser;
  PetscCall(Create(&c, way->map));
  PetscCall(DiniSetGuard(c.dini, guard));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(Try(&c, JVP, PETSC_FALSE, 1e-6, way->options));
  for (int t = 0; t < TANGENTS; t++) {
    const PetscInt before = c.calls;

    PetscCall(Try(&c, tangents[t], PETSC_FALSE, 1e-6, way->options));
    calls[t] = c.calls - before;
  }
  PetscCall(Destroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What guards ask at each call: one residual, or none where J can not follow F */
static PetscErrorCode TestPrice(const Way *way)
{
  PetscInt with[TANGENTS], without[TANGENTS];

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(way->options));
  PetscCall(Count(way, PETSC_TRUE, with));
  PetscCall(Count(way, PETSC_FALSE, without));
  for (int t = 0; t < TANGENTS; t++)
    DiniTestTrue(with[t] == without[t] + way->price,
                 "%s, %s, number %d at its point: %" PetscInt_FMT " residuals with guards, %" PetscInt_FMT
                 " without, expected %" PetscInt_FMT " more",
                 way->options, derivatives[tangents[t]], t, with[t], without[t], way->price);
  PetscCall(DiniTestOptionsClear(way->options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int first = 0; first < DERIVATIVES; first++) {
    PetscCall(TestRefused((Derivative)first, PETSC_FALSE));
    if (first != TANGENT && first != ADJOINT)
      PetscCall(TestRefused((Derivative)first, PETSC_TRUE)); /* these need no F_m */
  }
  for (size_t w = 0; w < PETSC_STATIC_ARRAY_LENGTH(ways); w++) {
    for (int shift = 0; shift < 2 && ways[w].price; shift++) PetscCall(TestApplied(&ways[w], (PetscBool)shift));
    PetscCall(TestPrice(&ways[w]));
  }
  PetscCall(PetscFinalize());
  return 0;
}
