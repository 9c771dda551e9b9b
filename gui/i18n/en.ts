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
        <source>Delete %n people?</source>
        <translation>
            <numerusform>Delete %n person?</numerusform>
            <numerusform>Delete %n people?</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) will be erased for good.</source>
        <translation>
            <numerusform>%n picture will be erased for good.</numerusform>
            <numerusform>%n pictures will be erased for good.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n people deleted.</source>
        <translation>
            <numerusform>%n person deleted.</numerusform>
            <numerusform>%n people deleted.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Delete %n picture(s)?</source>
        <translation>
            <numerusform>Delete %n picture?</numerusform>
            <numerusform>Delete %n pictures?</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n picture(s) deleted.</source>
        <translation>
            <numerusform>%n picture deleted.</numerusform>
            <numerusform>%n pictures deleted.</numerusform>
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
</TS>
