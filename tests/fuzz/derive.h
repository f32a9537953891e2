/* What the calls that differentiate have in common */
#pragma once
#include "app.h"

extern PetscErrorCode DeriveFlat(App *, Handle *, const PetscScalar q[], PetscBool dual,
                                 Vec *flat); /* NULL if refused */
/* true where there are values to compare: after success, with the point they must belong to */
extern PetscBool      DeriveDifferenced(const App *);
extern PetscErrorCode DeriveTold(App *, Handle *, const char what[]);
extern PetscErrorCode DeriveAnswered(App *, Handle *, const char what[], PetscErrorCode, PetscBool *yes);
extern void           DeriveDirection(App *, PetscScalar dq[]); /* of the parameters; zero in some blocks */
extern void           DeriveCotangent(App *, PetscScalar g[]);  /* of the state */
/* D dq, D^H g (or D^T g), and the sizes of their terms */
extern void DeriveJVP(const Relation *, const Point *, const PetscScalar dq[], PetscScalar dv[], PetscReal size[]);
extern void DeriveVJP(const Relation *, const Point *, PetscBool plain, const PetscScalar g[], PetscScalar mbar[],
                      PetscReal size[]);
extern void DeriveCompareState(App *, const char what[], const PetscScalar got[], const PetscScalar right[],
                               const PetscReal size[], PetscReal tolerance);
extern void DeriveCompareParameters(App *, const char what[], const PetscScalar got[], const PetscScalar right[],
                                    const PetscReal size[], PetscReal tolerance);
extern PetscErrorCode DeriveWriteCotangent(App *, const PetscScalar g[], Vec ubar);

/* derive.c, derivemats.c, deriveobjective.c */
extern PetscErrorCode DeriveTangents(App *, Handle *);
extern PetscErrorCode DeriveAdjoints(App *, Handle *, PetscBool again);
extern PetscErrorCode DeriveSolves(App *, Handle *, PetscBool adjoint);
extern PetscErrorCode DeriveBlocks(App *, Handle *, PetscBool adjoint);
extern PetscErrorCode DeriveMat(App *, Handle *);
extern PetscErrorCode DerivePin(App *, Handle *);
extern PetscErrorCode DerivePinned(App *, Handle *);
extern PetscErrorCode DeriveEntries(App *, Handle *);
extern PetscErrorCode DeriveObjective(App *, Handle *);
extern PetscErrorCode DeriveObjectives(App *, Handle *);
extern PetscErrorCode DeriveHessian(App *, Handle *);
extern PetscErrorCode DeriveInMonitor(App *, Handle *);
