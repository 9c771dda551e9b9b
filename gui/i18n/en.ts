<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>FaceStrip</name>
    <message numerus="yes">
        <source>%n picture(s) of this face will be enrolled.</source>
        <translation>
            <numerusform>%n picture of this face will be enrolled.</numerusform>
            <numerusform>%n pictures of this face will be enrolled.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FaceView</name>
    <message numerus="yes">
        <source>%n face(s) found</source>
        <translation>
            <numerusform>%n face found</numerusform>
            <numerusform>%n faces found</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FolderTab</name>
    <message numerus="yes">
        <source>%n picture(s) enrolled</source>
        <translation>
            <numerusform>%n picture enrolled</numerusform>
            <numerusform>%n pictures enrolled</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n not enrolled</source>
        <translation>
            <numerusform>%n not enrolled</numerusform>
            <numerusform>%n not enrolled</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n enrolled before</source>
        <translation>
            <numerusform>%n enrolled before</numerusform>
            <numerusform>%n enrolled before</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>GalleryActions</name>
    <message numerus="yes">
        <source>Remove %n people?</source>
        <translation>
            <numerusform>Remove %n person?</numerusform>
            <numerusform>Remove %n people?</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people removed.</source>
        <translation>
            <numerusform>%n person removed.</numerusform>
            <numerusform>%n people removed.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>This can be undone for %n days; then pictures and name go.</source>
        <translation>
            <numerusform>This can be undone for %n day; then pictures and name go.</numerusform>
            <numerusform>This can be undone for %n days; then pictures and name go.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Move %n picture(s) to…</source>
        <translation>
            <numerusform>Move %n picture to…</numerusform>
            <numerusform>Move %n pictures to…</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Split off %n picture(s)</source>
        <translation>
            <numerusform>Split off %n picture</numerusform>
            <numerusform>Split off %n pictures</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) compared again.</source>
        <translation>
            <numerusform>%n picture compared again.</numerusform>
            <numerusform>%n pictures compared again.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) kept, but not compared.</source>
        <translation>
            <numerusform>%n picture kept, but not compared.</numerusform>
            <numerusform>%n pictures kept, but not compared.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) removed.</source>
        <translation>
            <numerusform>%n picture removed.</numerusform>
            <numerusform>%n pictures removed.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n person</numerusform>
            <numerusform>%n people</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>GalleryPage</name>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n person</numerusform>
            <numerusform>%n people</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>HealthPage</name>
    <message numerus="yes">
        <source>%n finding(s) more are on the command line.</source>
        <translation>
            <numerusform>%n finding more is on the command line.</numerusform>
            <numerusform>%n findings more are on the command line.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ModelChangeCard</name>
    <message numerus="yes">
        <source>%n picture(s) cannot be embedded; “facerec models status” lists them.</source>
        <translation>
            <numerusform>%n picture cannot be embedded; “facerec models status” lists it.</numerusform>
            <numerusform>%n pictures cannot be embedded; “facerec models status” lists them.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PeopleModel</name>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n picture</numerusform>
            <numerusform>%n pictures</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PersonPanel</name>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n picture</numerusform>
            <numerusform>%n pictures</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) belong to another model.</source>
        <translation>
            <numerusform>%n picture belongs to another model.</numerusform>
            <numerusform>%n pictures belong to another model.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PictureTab</name>
    <message numerus="yes">
        <source>%n face(s) found</source>
        <translation>
            <numerusform>%n face found</numerusform>
            <numerusform>%n faces found</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SettingsPage</name>
    <message numerus="yes">
        <source>Removing a person can be undone for %n days; then all of this goes from the gallery.</source>
        <translation>
            <numerusform>Removing a person can be undone for %n day; then all of this goes from the gallery.</numerusform>
            <numerusform>Removing a person can be undone for %n days; then all of this goes from the gallery.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n person</numerusform>
            <numerusform>%n people</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n picture</numerusform>
            <numerusform>%n pictures</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>UnknownQueue</name>
    <message numerus="yes">
        <source>%n look(s)</source>
        <translation>
            <numerusform>%n look</numerusform>
            <numerusform>%n looks</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hour(s) left</source>
        <translation>
            <numerusform>%n hour left</numerusform>
            <numerusform>%n hours left</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>VerifyPage</name>
    <message numerus="yes">
        <source>%n face(s) found</source>
        <translation>
            <numerusform>%n face found</numerusform>
            <numerusform>%n faces found</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>steps</name>
    <message numerus="yes">
        <source>%n picture(s)</source>
        <translation>
            <numerusform>%n picture</numerusform>
            <numerusform>%n pictures</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people</source>
        <translation>
            <numerusform>%n person</numerusform>
            <numerusform>%n people</numerusform>
        </translation>
    </message>
</context>
</TS>
